"""A certificate authority of our own with a server and a client certificate, made by openssl."""

import subprocess


def make(folder):
    """Writes ca.pem, server.pem (key and chain), client.crt and client.key into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    openssl(folder, "req", "-x509", *new_key("ca.key"), "-out", "ca.pem", "-days", "30", "-subj", "/CN=Helios test CA")
    signed(folder, "server", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    signed(folder, "client", "extendedKeyUsage=clientAuth")
    chain = [(folder / name).read_text() for name in ("server.key", "server.crt", "ca.pem")]
    (folder / "server.pem").write_text("".join(chain))


def signed(folder, name, extension):
    (folder / f"{name}.ext").write_text(extension)
    openssl(folder, "req", *new_key(f"{name}.key"), "-out", f"{name}.csr", "-subj", f"/CN={name}")
    authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", *authority, "-out", f"{name}.crt", "-days", "30", "-extfile", f"{name}.ext")


def new_key(name):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
