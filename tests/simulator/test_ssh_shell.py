"""The shell of a node: what scripts and tools such as Ansible write is read and run as on a Debian host."""

from __future__ import annotations

import random

import pytest

from simulator.ssh.programs import PROGRAMS
from tests.conftest import Simulator
from tests.simulator.test_ssh import Remote, pve1

__all__ = ["pve1"]

PREPARE = "printf 'b 2\\na 1\\nc 3\\na 1\\n' > /root/t; "


@pytest.mark.parametrize(
    ("line", "out", "code"),
    [
        ("for i in 1 2 3; do echo -n $i; done; echo", "123\n", 0),
        ("if test -e /none; then echo a; elif true; then echo b; else echo c; fi", "b\n", 0),
        ("n=0; while [ $n -lt 3 ]; do n=$((n+1)); done; echo $n", "3\n", 0),
        ("until true; do :; done; echo done", "done\n", 0),
        ("(cd /etc; A=1; exit 3); echo $? $PWD $A", "3 /root\n", 0),
        ("{ echo a; echo b; } | wc -l", "2\n", 0),
        ('n() { echo $#; }; n "$@"; n "$@" ""; n a"$@"; "$@"; echo $?', "0\n1\n1\n0\n", 0),
        ("case abc in x|a*) echo hit;; *) echo miss;; esac", "hit\n", 0),
        ("f() { echo \"$1-$#\"; return 4; }; f x y; echo $?", "x-2\n4\n", 0),
        ("printf '%s=%d\\n' a 1 b 2", "a=1\nb=2\n", 0),
        ("A='x y'; set -- $A 'z z'; echo $#; for i in \"$@\"; do echo \"[$i]\"; done", "3\n[x]\n[y]\n[z z]\n", 0),
        ("echo ${A:-none} ${HOME#/} ${#HOME} `echo back`", "none root 5 back\n", 0),
        ("p=/a/b.tar.gz; echo ${p##*/} ${p%.*} ${p%%.*}", "b.tar.gz /a/b.tar /a/b\n", 0),
        ("set -e; false; echo never", "", 1),
        ("set -e; if false; then :; fi; false || true; echo on", "on\n", 0),
        ("set -u; echo $NOT_SET", "", 1),
        ("X=1 env | grep ^X=; echo \"[$X]\"", "X=1\n[]\n", 0),
        ("export X=2; bash -c 'echo $X'; sh -c 'echo $0 $1' name arg | cut -d' ' -f2", "2\narg\n", 0),
        ("echo hello | while read a; do echo \"got $a\"; done", "got hello\n", 0),
        ("echo ~ ~/x '~'", "/root /root/x ~\n", 0),
        ("true & wait; echo ok", "ok\n", 0),
        ("for i in 1 2 3; do [ $i = 2 ] && continue; [ $i = 3 ] && break; echo $i; done", "1\n", 0),
        ("if [ 1 = 2", "", 2),
        ("echo 'exit 7' > s; chmod +x s; ./s; echo $?; bash s; echo $?", "7\n7\n", 0),
        ("sudo -n id -u; command -v pvesh; which nothing || echo none", "0\n/usr/bin/pvesh\nnone\n", 0),
        ("echo a b | xargs -n1 echo x", "x a\nx b\n", 0),
        ("cat > f <<EOF\n$((1 + 2)) \\$x\nEOF\ncat f", "3 $x\n", 0),
        ("echo err >&2; foo &>/dev/null; ls /none 2>&1", "ls: cannot access '/none': No such file or directory\n", 2),
    ],
)  # fmt: skip
def test_the_language_of_the_shell(pve1: Remote, line: str, out: str, code: int) -> None:
    ran = pve1.run(line)
    assert (ran.out, ran.code) == (out, code), ran


@pytest.mark.parametrize(
    ("line", "out"),
    [
        ("head -n1 t; tail -n 1 t; tail -n +4 t; head -c 3 t", "b 2\na 1\na 1\nb 2"),
        ("grep -c a t; grep -n 'c' t; grep -v a t | wc -l; grep -qE '^(x|b)' t && echo yes", "2\n3:c 3\n2\nyes\n"),
        ("sort -u t; sort -k2 -rn t | head -1; sort t | uniq -c | tr -s ' ' | cut -d' ' -f2,3", None),
        ("sed 's/a/A/g; /^c/d' t; sed -n '2,3p' t; sed -n '$p' t", "b 2\nA 1\nA 1\na 1\nc 3\na 1\n"),
        ("sed -i.old -E 's/^([a-c]) ([0-9])$/\\2\\1/' t && cat t && head -1 t.old", "2b\n1a\n3c\n1a\nb 2\n"),
        ("sed '/^b/a after' t | head -2; sed '1i first' t | head -1", "b 2\nafter\nfirst\n"),
        ("tr a-z A-Z < t | head -1; echo abc | base64; echo YWJjCg== | base64 -d", "B 2\nYWJjCg==\nabc\n"),
        ("stat -c '%a %U %s %F' t; chmod 600 t; chmod u+x,g+r t; stat -c %a t", "644 root 16 regular file\n740\n"),
        ("ln -s t l; readlink l; cat l | head -1; readlink -f l; test -L l && echo link", "t\nb 2\n/root/t\nlink\n"),
        ("cp -r /root/t copy; mkdir -p a/b; cp t a/b; cp -a a c; find c -type f; rm -rf a c", "c/b/t\n"),
        ("d=$(mktemp -d) && touch $d/x && basename $(dirname $d/x) | cut -c1-4; rmdir $d 2>&1 | wc -l", "tmp.\n1\n"),
        ("sha256sum t > sums; sha256sum -c sums; date -d @0 +%F; seq 2 | tr '\\n' ,", "t: OK\n1970-01-01\n1,2,"),
        ("readlink /etc/pve/local /etc/pve/lxc | sed s/$(hostname)/N/", "nodes/N\nnodes/N/lxc\n"),
        ("chown www-data:www-data t; stat -c %U:%G t; chown nobody-here t 2>&1", None),
    ],
)
def test_the_small_tools(pve1: Remote, line: str, out: str | None) -> None:
    ran = pve1.run(PREPARE + line)
    if out is not None:
        assert (ran.out, ran.error) == (out, ""), ran
    else:
        assert "rror" not in ran.error, ran


def test_the_way_in_which_ansible_works(pve1: Remote) -> None:
    made = pve1.ok(
        '/bin/sh -c \'( umask 77 && mkdir -p "` echo /root/.ansible/tmp `"&& mkdir "` echo /root/.ansible/tmp/one `"'
        ' && echo one="` echo /root/.ansible/tmp/one `" ) && sleep 0\''
    )
    assert made == "one=/root/.ansible/tmp/one\n"
    assert pve1.ok("stat -c %a /root/.ansible/tmp/one") == "700\n"
    assert pve1.ok("/bin/sh -c 'echo ~root && sleep 0'") == "/root\n"
    pve1.ok("/bin/sh -c 'chmod u+x /root/.ansible/tmp/one/ && sleep 0'")
    assert pve1.ok("sudo -H -S -n -u root /bin/sh -c 'echo BECOME-SUCCESS ; whoami'") == "BECOME-SUCCESS\nroot\n"
    pve1.ok("/bin/sh -c 'rm -f -r /root/.ansible/tmp/one/ > /dev/null 2>&1 && sleep 0'")
    assert pve1.run("test -e /root/.ansible/tmp/one").code == 1


def test_a_script_on_the_input_is_run(pve1: Remote) -> None:
    script = b"set -e\nfor node in a b; do\n  cat <<END\n  $node\nEND\ndone\nif true\nthen\n  exit 5\nfi\n"
    for command in ("bash -s", "sh", "bash -s -- x"):
        ran = pve1.run(command, script)
        assert (ran.out, ran.code) == ("  a\n  b\n", 5)


_ODD = [
    "-n",
    "-c",
    "-k",
    "x",
    "²",
    "t",
    "/etc/pve",
    "''",
    "-f",
    "-d",
    "--",
    "-e",
    "'s/a/b/'",
    "'{'",
    "a=b",
    "-r",
    ",",
    "list",
    "set",
    "100",
    "abc",
    "show",
    "-j",
    "vlan",
    "+5",
    "%d",
    "'%q",
    "%'",
    "*",
    "$((1/0))",
    "${x",
    "'['",
    "@",
    "--on-active=1x",
    "-o",
    "-i.bak",
    "get",
    "/nodes",
    "add",
    "--output-format",
    "yaml",
    "-w",
    "-m",
    "config",
    "999999999999",
    "create",
    "help",
    "u=",
    "/",
    "-name",
    "-I{}",
]


def test_no_command_line_breaks_the_shell(simulator: Simulator, pve1: Remote) -> None:
    log = simulator.running.home / "simulator.log"
    before = log.read_text(encoding="utf-8")
    chance = random.Random(3)
    names = sorted(PROGRAMS.keys() - {"sleep", "reboot", "poweroff", "halt", "shutdown"})
    lines = [" ".join([chance.choice(names), *chance.choices(_ODD, k=chance.randint(0, 4))]) for _ in range(150)]
    for line in lines:
        pve1.run(line)
    assert "Traceback" not in log.read_text(encoding="utf-8").removeprefix(before)
