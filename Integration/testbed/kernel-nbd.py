#!/usr/bin/env python3
"""kernel-nbd.py connect|reconnect DEVICE SOCKET EXPORT CONNECTIONS: what nbd-client cannot do.

connect makes a device that waits a minute when its server dies, and sends again what was not answered;
reconnect gives it new connections. nbd-client's own -persist does not work with kernels since 4.12: their
NBD_DO_IT returns no error when the server dies, which it takes for the end.

The netlink interface is that of the kernel's include/uapi/linux/nbd-netlink.h.
"""

import socket
import struct
import sys

CONNECT, RECONFIGURE = 1, 3
INDEX, SIZE, BLOCK_SIZE, TIMEOUT, SERVER_FLAGS, SOCKETS, DEAD_CONNECTION_TIMEOUT = 1, 2, 3, 4, 5, 7, 8
SOCKET_ITEM = SOCKET_DESCRIPTOR = 1
NETLINK_GENERIC, GET_FAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
REQUEST_AND_ACKNOWLEDGE = 5
ERROR_MESSAGE = 2


def receive(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            sys.exit("the server has hung up")
        data += piece
    return data


def enter(path, export):
    """A connection that is ready for requests, with the export's size and flags."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    if receive(connection, 18)[:16] != b"NBDMAGICIHAVEOPT":
        sys.exit("no NBD server")
    name = export.encode()
    connection.sendall(struct.pack(">I8sII", 3, b"IHAVEOPT", 1, len(name)) + name)
    return connection, *struct.unpack(">QH", receive(connection, 10))


def attribute(kind, content):
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def call(netlink, family, command, attributes):
    """Sends a generic netlink message; returns the last answer's content."""
    body = struct.pack("=BBH", command, 1, 0) + attributes
    netlink.send(struct.pack("=IHHII", 16 + len(body), family, REQUEST_AND_ACKNOWLEDGE, 1, 0) + body)
    answer = b""
    while True:
        data = netlink.recv(65536)
        while data:
            length, kind = struct.unpack_from("=IH", data)
            if kind == ERROR_MESSAGE:
                error = struct.unpack_from("=i", data, 16)[0]
                if error:
                    sys.exit(f"the kernel refuses: error {-error}")
                return answer
            answer, data = data[20:length], data[(length + 3) & ~3:]


def family_of_nbd(netlink):
    answer = call(netlink, NETLINK_GENERIC, GET_FAMILY, attribute(FAMILY_NAME, b"nbd\0"))
    while answer:
        length, kind = struct.unpack_from("=HH", answer)
        if kind == FAMILY_ID:
            return struct.unpack_from("=H", answer, 4)[0]
        answer = answer[(length + 3) & ~3:]
    sys.exit("the kernel has no nbd driver")


def main(mode, device, path, export, count):
    entered = [enter(path, export) for _ in range(int(count))]
    size, flags = entered[0][1:]
    sockets = b"".join(
        attribute(SOCKET_ITEM, attribute(SOCKET_DESCRIPTOR, struct.pack("=I", one.fileno())))
        for one, _, _ in entered)
    attributes = attribute(INDEX, struct.pack("=I", int(device.removeprefix("/dev/nbd"))))
    attributes += attribute(SOCKETS, sockets)
    if mode == "connect":
        for kind, value in [(SIZE, size), (BLOCK_SIZE, 512), (SERVER_FLAGS, flags), (TIMEOUT, 3),
                            (DEAD_CONNECTION_TIMEOUT, 60)]:
            attributes += attribute(kind, struct.pack("=Q", value))
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    netlink.bind((0, 0))
    family = family_of_nbd(netlink)
    call(netlink, family, CONNECT if mode == "connect" else RECONFIGURE, attributes)


if __name__ == "__main__":
    main(*sys.argv[1:])
