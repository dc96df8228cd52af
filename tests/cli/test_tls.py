"""Real TLS and real logins: a server on loopback with certificates, passwords and a client certificate.

What libpq does is libpq's; what is judged here is that our settings reach it, that each refusal is one clear line with
its exit code, and that no password is ever shown.
"""

import pathlib
import shutil
import socket
import subprocess

import pytest

import scratch
from command import ok_json, run

SECRET = "hunter2"


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")


def certificate(folder, ca, name, common_name, alternative=None):
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={common_name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
    extension = ["-extfile", f"{name}.ext"] if alternative else []
    if alternative:
        (folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial",
            "-days", "2", "-out", f"{name}.crt", *extension)
    (folder / f"{name}.key").chmod(0o600)


class Guarded(scratch.Scratch):
    """A server that listens on loopback and trusts nobody there."""

    def __init__(self, certificates):
        super().__init__()
        self.certificates = certificates
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.settings.update(listen_addresses="127.0.0.1", ssl="on", password_encryption="scram-sha-256",
                             ssl_cert_file=f"{self.data}/server.crt", ssl_key_file=f"{self.data}/server.key",
                             ssl_ca_file=f"{self.data}/ca.crt")

    def prepare(self):
        for name in ("server.crt", "server.key", "ca.crt"):
            shutil.copy(self.certificates / name, self.data)
            (pathlib.Path(self.data) / name).chmod(0o600)
            shutil.chown(pathlib.Path(self.data) / name, self.user)
        (pathlib.Path(self.data) / "pg_hba.conf").write_text(
            "local all all trust\nhostssl all carded 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
            "hostnossl plain clear 127.0.0.1/32 scram-sha-256\n")

    def start(self):
        super().start()
        self.psql("postgres", f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'; CREATE ROLE carded LOGIN; "
                  f"CREATE ROLE clear LOGIN PASSWORD '{SECRET}'; CREATE DATABASE plain;", "roles")
        return self


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority(folder, "ca")
    authority(folder, "stranger")
    certificate(folder, "ca", "server", "db.example", "DNS:localhost,IP:127.0.0.1")
    certificate(folder, "ca", "carded", "carded")
    certificate(folder, "stranger", "foreign", "carded")
    return folder


@pytest.fixture(scope="module")
def server(certificates):
    server = Guarded(certificates)
    try:
        yield server.start()
    finally:
        server.stop()


class Login:
    """`holdfast db ping` with these connection parameters."""

    def __init__(self, server, certificates):
        self.given = {"host": "localhost", "port": server.port, "dbname": "postgres", "user": "reader", "password": SECRET,
                      "sslmode": "verify-full", "sslrootcert": certificates / "ca.crt"}

    def text(self, **changed):
        return " ".join(f"{key}={value}" for key, value in {**self.given, **changed}.items() if value is not None)

    def ok(self, env=None, **changed):
        return ok_json("-d", self.text(**changed), "db", "ping", env=env or {})

    def refused(self, code, env=None, **changed):
        done = run("-d", self.text(**changed), "db", "ping", env=env or {})
        assert (done.returncode, done.stdout) == (code, ""), done
        assert SECRET not in done.stderr and "swordfish" not in done.stderr
        assert done.stderr.startswith("error: ") and "\nerror:" not in done.stderr
        return done.stderr


@pytest.fixture
def login(server, certificates):
    return Login(server, certificates)


def test_a_verified_server_and_a_password(login):
    assert login.ok()["user"] == "reader"
    assert login.ok(host="127.0.0.1")["user"] == "reader"
    assert login.ok(sslmode="verify-ca", host="db.example", hostaddr="127.0.0.1")["user"] == "reader"
    assert login.ok(channel_binding="require")["user"] == "reader"


def test_the_password_from_its_file(login, tmp_path):
    passfile = tmp_path / "pass"
    passfile.write_text(f"localhost:{login.given['port']}:postgres:reader:{SECRET}\n")
    passfile.chmod(0o600)
    assert login.ok(password=None, passfile=passfile)["user"] == "reader"
    assert login.ok(password=None, env={"PGPASSFILE": str(passfile)})["user"] == "reader"
    config, secret = tmp_path / "x.conf", tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    config.write_text(f"[database]\nurl = {login.text(password=None)}\npassword = file:{secret}\n")
    assert ok_json("db", "ping", env={"HOLDFAST_CONFIG": str(config)})["user"] == "reader"


def test_an_unknown_authority_is_refused(login, certificates):
    assert "certificate verify failed" in login.refused(7, sslrootcert=certificates / "stranger.crt")
    assert "certificate verify failed" in login.refused(7, sslmode="verify-ca", sslrootcert=certificates / "stranger.crt")


def test_another_host_name_is_refused(login):
    message = login.refused(7, host="db.other", hostaddr="127.0.0.1")
    assert "db.other" in message and "does not match" in message


def test_a_missing_authority_is_named(login, tmp_path):
    assert str(tmp_path / "none.crt") in login.refused(7, sslrootcert=tmp_path / "none.crt")


def test_a_wrong_password_is_refused_and_not_shown(login):
    message = login.refused(6, password="swordfish")
    assert "password authentication failed" in message and '"reader"' in message
    assert "no password" in login.refused(6, password=None, passfile="/nonexistent")


def test_a_client_certificate_is_the_login(login, certificates):
    card = {"user": "carded", "password": None, "sslcert": certificates / "carded.crt", "sslkey": certificates / "carded.key"}
    assert login.ok(**card)["user"] == "carded"
    assert "certificate" in login.refused(6, **{**card, "sslcert": "/nonexistent/card", "sslkey": "/nonexistent/card"})
    foreign = {"sslcert": certificates / "foreign.crt", "sslkey": certificates / "foreign.key"}
    assert login.refused(7, **{**card, **foreign})
    (certificates / "open.key").write_bytes((certificates / "carded.key").read_bytes())
    (certificates / "open.key").chmod(0o644)
    assert "open.key" in login.refused(7, **{**card, "sslkey": certificates / "open.key"})


def test_a_server_that_wants_tls_refuses_the_open_door(login):
    assert "no encryption" in login.refused(6, sslmode="disable")
    assert login.ok(dbname="plain", user="clear", sslmode="disable")["user"] == "clear"


def test_a_range_of_protocols_that_holds_none_is_refused(login):
    bounds = {"ssl_min_protocol_version": "TLSv1.3", "ssl_max_protocol_version": "TLSv1.2"}
    assert login.refused(2, **bounds) == "error: the connection settings are wrong: invalid SSL protocol version range\n"
    assert login.ok(ssl_min_protocol_version="TLSv1.3")["user"] == "reader"


def test_the_first_host_that_answers_and_writes_is_taken(login, server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = probe.getsockname()[1]
    hosts = {"host": "localhost,localhost", "port": f"{dead},{server.port}"}
    assert login.ok(**hosts)["user"] == "reader"
    assert login.ok(**hosts, target_session_attrs="read-write")["user"] == "reader"
    message = login.refused(7, **hosts, target_session_attrs="standby")
    assert "standby" in message
