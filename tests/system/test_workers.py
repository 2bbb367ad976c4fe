"""Several server processes behind one port: who comes where, who counts, and who dies."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from netaudio.wire import control
from tests.support.guest import Guest
from tests.support.programs import Program, playing, recorded, running, serving, until, write_midi
from tests.support.relay import answer, connected, endpoint, hello

SECONDS = 120  # the song's length, of which as much is heard as it takes
ENDS_WITHIN = 20.0  # seconds, on a machine that is busy
SONG = [(at, bytes((0x90, key, 90))) for at, key in ((0, 60), (48000, 64), (96000, 67))]
SONG += [(SECONDS * 48000, bytes((0x80, key, 0))) for key in (60, 64, 67)]


@contextmanager
def working(piano: Path, *flags: object) -> Iterator[tuple[Program, str]]:
    """A server of two workers."""
    with serving("--wav", piano, "--workers", 2, *flags) as (server, address):
        yield server, address


def children(program: Program) -> list[int]:
    """The workers' process ids, in the order of their birth."""
    pid = program.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    """Whether a process has ended, its exit code perhaps not asked for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_two_clients_come_to_two_workers_and_all_places_count(piano: Path) -> None:
    with working(piano, "--max-clients", 3) as (server, address), ExitStack() as stack:
        guests = [Guest(stack, address) for _ in range(3)]
        for number in (1, 2):
            server.line(rf"worker {number}: player joined from 127\.0\.0\.1:\d+ \(1 at this worker\)")
        assert len({guest.welcome.udp_port for guest in guests}) == 3
        full = answer(address, hello())
        assert full["type"] == "error" and full["text"].startswith("the server is full (3 of 3 players)")
        guests[1].socket.shutdown(socket.SHUT_RDWR)
        server.line(r"worker 2: player left")
        until(lambda: isinstance(Guest(stack, address).answer, control.Welcome), "a place is free again")
        server.line(r"worker 2: player joined", 2)


def test_who_comes_back_takes_no_second_place(piano: Path) -> None:
    with working(piano, "--max-clients", 2) as (server, address), ExitStack() as stack:
        one, other = Guest(stack, address), Guest(stack, address)
        for _ in range(3):  # to the worker that has the session, though both have one
            again = Guest(stack, address, **other.return_fields())
            assert again.welcome.session != other.welcome.session
            other.await_end()
            other = again
        server.line(r"worker 2: player joined", 4)
        # Who only knows another's session is a stranger, and ends nobody's.
        thief = answer(address, hello(session=one.welcome.session, secret="0" * 32))
        assert thief["text"].startswith("the server is full")
        assert isinstance(Guest(stack, address, **one.return_fields()).answer, control.Welcome)
        server.line(r"worker 1: player joined", 2)


def test_ports_that_all_workers_share(piano: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        first = min(probe.getsockname()[1], 65530)
    flags = "--udp-ports", f"{first}-{first + 5}"
    with working(piano, *flags) as (_, address), ExitStack() as stack:
        ports = [Guest(stack, address).welcome.udp_port for _ in range(4)]
        assert len(set(ports)) == 4 and all(first <= port <= first + 5 for port in ports)


def test_hellos_that_are_none(piano: Path) -> None:
    with working(piano, "--token", "swordfish") as (_, address), ExitStack() as stack:
        cases = {
            b"\xff" * 3000 + b"\n": "not a NetAudio message",
            b"x" * (1 << 20): "a hello longer than",
            control.encode(control.Ping(1.0)): "the first message must be a hello",
            hello(version=99): "99",
            hello(): "the token is wrong or missing",
        }
        for said, told in cases.items():
            assert told in answer(address, said)["text"]
        slow = stack.enter_context(connected(address))
        said = hello(token="swordfish")
        slow.sendall(said[:20])
        assert isinstance(Guest(stack, address, token="swordfish").answer, control.Welcome)
        slow.sendall(said[20:])
        assert control.decode_from_server(slow.makefile("rb").readline())
        with socket.create_connection(endpoint(address)):
            pass


def test_a_worker_that_dies_takes_only_its_players_along_and_they_come_back(piano: Path, tmp_path: Path) -> None:
    song = write_midi(tmp_path / "song.mid", SONG)
    with working(piano) as (server, address):
        flags = ("--held", "10s", "--wav", piano)
        with playing(tmp_path / "one", song, address, "hybrid", *flags) as one:
            server.line("worker 1: player joined")
            with playing(tmp_path / "two", song, address, "hybrid", *flags) as two:
                server.line("worker 2: player joined")
                for client in (one, two):
                    recorded(client, 48000)
                dying, living = children(server)
                os.kill(dying, signal.SIGKILL)
                server.line("worker 1 ended by signal 9 with 1 players; another starts")
                one.program.line("lost the server: the server closed the connection")
                one.program.line("connected to")
                for client in (one, two):
                    recorded(client, client.frames + 48000)
                results = one.leave(), two.leave()
        assert "closed the connection" not in results[1].text, results[1].text
        for result in results:
            assert result.report["frames"]["missing"] == 0, result.figures()
        server.line(r"worker \d: player joined", 3)
        assert len(children(server)) == 2 and living in children(server) and gone(dying)


def test_the_end(piano: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with working(piano) as (server, address), ExitStack() as stack:
            guest, workers = Guest(stack, address), children(server)
            server.process.send_signal(number)
            assert server.end(ENDS_WITHIN) == 0 and all(map(gone, workers)), server.text
            guest.await_end()
            assert server.text.count("chunks rendered") == 2, server.text
            with socket.create_server(endpoint(address)):
                pass  # nobody has the port


def test_workers_do_not_outlive_their_parent(piano: Path) -> None:
    with working(piano) as (server, address), ExitStack() as stack:
        Guest(stack, address)
        workers = children(server)
        server.kill()
        until(lambda: all(map(gone, workers)), "the workers end", ENDS_WITHIN)


def test_figures_of_each_worker(piano: Path) -> None:
    with working(piano) as (server, address), ExitStack() as stack:
        Guest(stack, address)
        server.process.send_signal(signal.SIGUSR1)
        server.line("worker 1: stats of .*: 1 sessions")
        server.line("worker 2: stats of .*: 0 sessions")


def test_a_worker_that_cannot_start(piano: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running("server.py", "--wav", piano, "--port", 0, "--workers", 2, "--metrics", port) as server:
            assert server.end() == 1
            assert f"cannot serve metrics at 127.0.0.1:{port}" in server.text and "Traceback" not in server.text
