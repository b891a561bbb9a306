// Loaded before an emulator that would listen on every interface: it gets 127.0.0.1 instead.
const net = require('net')
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (first, ...rest) {
  const port = typeof first === 'object' && first !== null ? first.port : first
  const done = rest.find((argument) => typeof argument === 'function')
  return listen.call(this, { port: Number(port), host: '127.0.0.1' }, done)
}
