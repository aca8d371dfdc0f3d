"""The commands and settings of the other proxies: one worker, one allowed name and port, as the gate."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from credentials import certificate, htdigest, htpasswd
from gates import CONNECTIONS, TARGET_HOST
from route import PASSWORD, REALM, USER
from running import SYSTEM_PATH, Instance, UnavailableError, executable

_SQUID_HELPERS = Path("/usr/lib/squid")


def squid(instance: Instance, more: str = "", who: str = "", port: str = "http_port") -> list[str]:
    """Squid with an allowlist and its log; `more` is further settings, `who` a condition on the client."""
    program = executable("squid", "squid")
    instance.folder.chmod(0o777)  # started by root, squid writes as another user
    hosts = instance.write("hosts", f"127.0.0.1 {TARGET_HOST}\n")
    port, _, options = port.partition(" ")
    settings = f"""
        {port} 127.0.0.1:{instance.port} {options}
        {more}
        acl port port {instance.target_port}
        acl target dstdomain {TARGET_HOST}
        http_access allow CONNECT target port {who}
        http_access deny all
        hosts_file {hosts}
        access_log stdio:{instance.folder}/access.log
        cache_log {instance.folder}/cache.log
        pid_filename {instance.folder}/squid.pid
        coredump_dir {instance.folder}
        cache deny all
        netdb_filename none
        pinger_enable off
        workers 1
        max_filedescriptors {2 * CONNECTIONS + 256}
        shutdown_lifetime 0 seconds
        visible_hostname bench
    """
    return [program, "-N", "-f", str(instance.write("squid.conf", _unindented(settings)))]


def squid_with_basic(instance: Instance) -> list[str]:
    """Clients must log in, by Basic."""
    helper = f"auth_param basic program {_SQUID_HELPERS}/basic_ncsa_auth {htpasswd(instance)}"
    return squid(instance, f"{helper}\nacl known proxy_auth REQUIRED", "known")


def squid_with_digest(instance: Instance) -> list[str]:
    """Clients must log in, by Digest with MD5. A nonce serves as many tunnels as at the gate."""
    settings = (
        f"auth_param digest program {_SQUID_HELPERS}/digest_file_auth -c {htdigest(instance)}",
        f"auth_param digest realm {REALM}",
        "auth_param digest nonce_max_count 1000000",
        "auth_param digest check_nonce_count off",
        "acl known proxy_auth REQUIRED",
    )
    return squid(instance, "\n".join(settings), "known")


def squid_with_tls(instance: Instance) -> list[str]:
    """Clients speak TLS to squid."""
    pem, key = certificate(instance.folder)
    return squid(instance, port=f"https_port tls-cert={pem} tls-key={key}")


def squid_with_parent(instance: Instance) -> list[str]:
    """Targets are reached through a parent proxy."""
    parent = f"cache_peer 127.0.0.1 parent {instance.parent_port} 0 no-query default"
    return squid(instance, f"{parent}\nnever_direct allow all\nnonhierarchical_direct off")


def tinyproxy(instance: Instance, log_level: str = "Critical", more: str = "") -> list[str]:
    """Tinyproxy with a filter; at this log level it logs nothing."""
    program = executable("tinyproxy", "tinyproxy-bin")
    allowed = instance.write("allowed", f"^{TARGET_HOST}$\n")
    settings = f"""
        Listen 127.0.0.1
        Port {instance.port}
        Allow 127.0.0.1
        Timeout 600
        MaxClients {CONNECTIONS}
        Filter "{allowed}"
        FilterExtended Yes
        FilterDefaultDeny Yes
        ConnectPort {instance.target_port}
        LogFile "{instance.folder}/tinyproxy.log"
        LogLevel {log_level}
        {more}
    """
    return [program, "-d", "-c", str(instance.write("tinyproxy.conf", settings))]


def logging_tinyproxy(instance: Instance) -> list[str]:
    """Tinyproxy that logs each connection."""
    return tinyproxy(instance, "Connect")


def tinyproxy_with_basic(instance: Instance) -> list[str]:
    """Clients must log in, by Basic; the password is in the settings."""
    return tinyproxy(instance, more=f"BasicAuth {USER} {PASSWORD}")


def haproxy(instance: Instance) -> list[str]:
    """HAProxy in TCP mode: it reads the server name in the ClientHello, allows one, and logs."""
    program = executable("haproxy", "haproxy")
    settings = f"""
        global
            maxconn {CONNECTIONS}
            nbthread 1
            log stdout format raw local0
        defaults
            mode tcp
            log global
            option tcplog
            timeout connect 15s
            timeout client 600s
            timeout server 600s
        frontend clients
            bind 127.0.0.1:{instance.port}
            tcp-request inspect-delay 10s
            tcp-request content reject if {{ req.ssl_hello_type 1 }} !{{ req.ssl_sni -i {TARGET_HOST} }}
            tcp-request content accept if {{ req.ssl_hello_type 1 }}
            default_backend target
        backend target
            server origin 127.0.0.1:{instance.target_port}
    """
    return [program, "-db", "-f", str(instance.write("haproxy.cfg", _unindented(settings)))]


def proxy_py(instance: Instance) -> list[str]:
    """PyPI's proxy.py, which has no usable allowlist."""
    search = os.pathsep.join((str(Path(sys.executable).parent), SYSTEM_PATH))
    command = shutil.which("proxy", path=search)
    if not command:
        raise UnavailableError("the proxy command is not installed: pip install proxy.py")
    workers = ["--num-workers", "1", "--num-acceptors", "1"]
    return [command, "--hostname", "127.0.0.1", "--port", str(instance.port), *workers, "--log-level", "ERROR"]


def floor(instance: Instance) -> list[str]:
    """The relay in floor.c, compiled."""
    compiler = executable("cc", "gcc libc6-dev")
    program = instance.folder / "floor"
    source = Path(__file__).with_name("floor.c")
    built = subprocess.run([compiler, "-O2", "-o", program, source], capture_output=True, text=True, check=False)
    if built.returncode:
        raise UnavailableError(f"floor.c does not compile: {built.stderr.strip().splitlines()[-1]}")
    return [str(program), str(instance.port), str(instance.target_port)]


def _unindented(settings: str) -> str:
    """Squid and HAProxy take a leading blank for a continued line or a nested one."""
    return "\n".join(map(str.strip, settings.splitlines()))
