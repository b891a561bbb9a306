// Runs before the first paint, so that a dark page never flashes white.
(function () {
  var stored = {};
  try { stored = localStorage; } catch (refused) { /* Storage may be forbidden; the system's theme is used then. */ }
  var theme = stored['helios.theme'] || 'system';
  var dark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  document.documentElement.dataset.density = stored['helios.density'] || 'compact';
})();
