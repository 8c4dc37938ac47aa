"""The port with certificates: who gets in, and which files are refused before a model is loaded."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import grpc
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import address
from bad_path import bad_path_call
from running import Start, WorkerProcess
from wire import pb2, pb2_grpc

SECONDS = 20.0
REQUEST = pb2.WorkerGenerateRequest(request_id="r", prompt="hello", max_tokens=2)


class Files:
    """A certificate for the worker, one for a client, each of its own authority, and all of it as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority, self.client_authority = trustme.CA(), trustme.CA()
        issued = self.authority.issue_cert("127.0.0.1")
        self.client = self.client_authority.issue_cert("engine@example.org")
        issued.cert_chain_pems[0].write_to_path(self.path("chain"))
        issued.private_key_pem.write_to_path(self.path("key"))
        self.authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(self.path("other_key"))
        self.client_authority.cert_pem.write_to_path(self.path("client_ca"))
        lock(folder / "key.pem", folder / "locked_key.pem")
        (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")

    def path(self, name: str) -> str:
        return str(self.folder / f"{name}.pem")

    @property
    def settings(self) -> dict[str, str]:
        return {"WORKER_TLS_CERT": self.path("chain"), "WORKER_TLS_KEY": self.path("key")}

    def allow_key(self, mode: int) -> None:
        Path(self.path("key")).chmod(mode)

    def believing(self, client: trustme.LeafCert | None = None) -> grpc.ChannelCredentials:
        """A client that believes the worker's authority; with a certificate of its own, if given."""
        return grpc.ssl_channel_credentials(
            self.authority.cert_pem.bytes(),
            client.private_key_pem.bytes() if client else None,
            client.cert_chain_pems[0].bytes() if client else None,
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def ask(worker: WorkerProcess, credentials: grpc.ChannelCredentials | None) -> str:
    """The reply's status, or the name of gRPC's."""
    channel = (
        grpc.aio.secure_channel(worker.address, credentials)
        if credentials
        else grpc.aio.insecure_channel(worker.address)
    )
    async with channel:
        try:
            return (await pb2_grpc.WorkerStub(channel).Generate(REQUEST, timeout=SECONDS)).status
        except grpc.aio.AioRpcError as error:
            return error.code().name


async def test_with_a_certificate_the_port_speaks_tls_alone(start: Start, files: Files) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null", **files.settings)
    assert worker.line == f"worker listening on {worker.address} backend=sim model=null simulated\n"
    assert await ask(worker, files.believing()) == "ok"
    assert await ask(worker, None) == "UNAVAILABLE"
    stranger = grpc.ssl_channel_credentials(trustme.CA().cert_pem.bytes())
    assert await ask(worker, stranger) == "UNAVAILABLE"


async def test_with_an_authority_for_clients_only_its_certificates_get_in(start: Start, files: Files) -> None:
    settings = {**files.settings, "WORKER_TLS_CLIENT_CA": files.path("client_ca")}
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null", **settings)
    assert await ask(worker, files.believing(files.client)) == "ok"
    assert await ask(worker, files.believing()) == "UNAVAILABLE"
    assert await ask(worker, files.believing(files.authority.issue_cert("engine@example.org"))) == "UNAVAILABLE"
    assert await ask(worker, files.believing(files.client)) == "ok"


async def test_the_port_that_is_opened_again_speaks_tls_too(start: Start, files: Files) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null", **files.settings)
    context = ssl.create_default_context()
    files.authority.configure_trust(context)
    context.set_alpn_protocols(["h2"])
    await bad_path_call(worker.address, context)
    async with grpc.aio.secure_channel(worker.address, files.believing()) as channel:
        reply = await pb2_grpc.WorkerStub(channel).Generate(REQUEST, timeout=SECONDS, wait_for_ready=True)
    assert reply.status == "ok"
    assert b"listening again" in worker.log
    assert await ask(worker, None) == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"WORKER_TLS_KEY": ""}, "WORKER_TLS_CERT and WORKER_TLS_KEY must be set for TLS, got WORKER_TLS_CERT alone"),
        (
            {"WORKER_TLS_CERT": "", "WORKER_TLS_KEY": "", "WORKER_TLS_CLIENT_CA": "client_ca"},
            "WORKER_TLS_CERT and WORKER_TLS_KEY must be set for TLS, got WORKER_TLS_CLIENT_CA alone",
        ),
        (
            {"WORKER_TLS_CERT": "absent"},
            'WORKER_TLS_CERT must be a file that can be read, got "{absent}": No such file or directory',
        ),
        (
            {"WORKER_TLS_CERT": "key"},
            'WORKER_TLS_CERT must be a file with a certificate in PEM, got "{key}", which has none',
        ),
        (
            {"WORKER_TLS_KEY": "chain"},
            'WORKER_TLS_KEY must be a file with a private key in PEM, got "{chain}", which has none',
        ),
        (
            {"WORKER_TLS_KEY": "other_key"},
            'WORKER_TLS_KEY must be the private key of WORKER_TLS_CERT "{chain}", got "{other_key}": '
            "key values mismatch",
        ),
        (
            {"WORKER_TLS_KEY": "locked_key"},
            'WORKER_TLS_KEY must be a private key without a passphrase, got "{locked_key}"',
        ),
        (
            {"WORKER_TLS_CLIENT_CA": "broken"},
            'WORKER_TLS_CLIENT_CA must be a file with certificates in PEM, got "{broken}": ',
        ),
    ],
)
async def test_files_that_do_not_serve_end_it_with_2_and_a_line_before_the_model_is_loaded(
    start: Start, files: Files, changed: dict[str, str], line: str
) -> None:
    settings = {**files.settings, **{name: value and files.path(value) for name, value in changed.items()}}
    # This model does not exist: had it been looked at, the error would be another.
    worker = await start(WORKER_BACKEND="openvino", MODEL_ID="/no/such/model", **settings)
    assert (worker.line, await worker.wait()) == ("", 2)
    (only,) = (await worker.stderr()).splitlines()
    names = ("absent", "key", "chain", "other_key", "locked_key", "broken")
    assert only.startswith(f"worker: {line.format(**{name: files.path(name) for name in names})}")


async def test_a_certificate_that_grpc_can_not_use_ends_it_with_2_too(start: Start, files: Files) -> None:
    write_uncommon(Path(files.path("chain")), Path(files.path("key")))
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null", **files.settings)
    assert (worker.line, await worker.wait()) == ("", 2)
    last = (await worker.stderr()).splitlines()[-1]
    assert last == "worker: WORKER_TLS_CERT must be a certificate that gRPC can use, such as one of RSA or P-256"


async def test_a_port_that_others_reach_warns_when_it_is_not_encrypted(start: Start, files: Files) -> None:
    for settings, lines in (({}, 1), (files.settings, 0)):
        worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null", WORKER_HOST="0.0.0.0", **settings)
        await worker.end()
        assert (await worker.stderr()).count("nothing on it is encrypted host=0.0.0.0") == lines


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("a..b", False)],
)
def test_what_is_loopback(host: str, loopback: bool) -> None:
    assert address.is_loopback(host) == loopback


def lock(key: Path, locked: Path) -> None:
    """Writes the key with a passphrase."""
    content = serialization.load_pem_private_key(key.read_bytes(), None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open"),
    )
    locked.write_bytes(content)


def write_uncommon(chain: Path, key: Path) -> None:
    """A certificate on a curve that gRPC does not know and OpenSSL does."""
    private = ec.generate_private_key(ec.SECP256K1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "worker")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
async def test_a_key_that_others_can_read_is_warned_of(start: Start, files: Files, mode: int, warned: bool) -> None:
    files.allow_key(mode)
    worker = await start(WORKER_BACKEND="sim", **files.settings)
    assert worker.line
    await worker.end()
    log = await worker.stderr()
    assert ("WORKER_TLS_KEY should be its owner's alone" in log) == warned, log
