"""The settings of the embedded PostgreSQL: durable, and sized for a laptop."""

from pathlib import Path

from doorward.store.embedded.sockets import PORT

_SETTINGS = {
    # Whoever asks comes through the socket, from this machine.
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    # The pool, the writer, a connection for each controller, and commands beside them.
    "max_connections": "64",
    # What has been answered is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # No replicas and no archive: a server with those is given by its address.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    # Bounds the replay after a crash to seconds; writes of a busy site fit several times.
    "max_wal_size": "512MB",
    "checkpoint_timeout": "5min",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "64MB",
    "dynamic_shared_memory_type": "posix",
    # Queries are short; parallel ones would also need more of /dev/shm than containers have.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    # Statements and details of errors hold names, codes and card numbers.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def server_arguments(cluster: Path, socket_folder: Path, mark: str) -> list[str]:
    """The server's command line after the program.

    All settings are there and none in the cluster's file, so that a newer Doorward's apply to an
    older cluster. `mark` is the word by which the server's processes are known.
    """
    quoted = str(socket_folder).replace('"', '""')
    own = {"cluster_name": mark, "unix_socket_directories": f'"{quoted}"'}
    pairs = (f"{name}={value}" for name, value in {**_SETTINGS, **own}.items())
    return ["-D", str(cluster), *(word for pair in pairs for word in ("-c", pair))]
