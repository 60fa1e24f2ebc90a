#!/usr/bin/python3
"""A libtorrent peer to compare with: libtorrent_peer.py seed|leech TORRENT[:TORRENT...] FOLDER IP PORT [IP:PORT ...]
Prints "ready" when it listens. For each line of standard input a leecher fetches the next torrent, prints "done", and
keeps seeding. Both exit at end of input."""
import select, sys
import libtorrent as lt

mode, torrents, folder, ip, port = sys.argv[1:6]
session = lt.session({
    'listen_interfaces': f'{ip}:{port}', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
    'enable_natpmp': False, 'allow_multiple_connections_per_ip': True, 'enable_incoming_utp': False,
    'enable_outgoing_utp': False, 'unchoke_slots_limit': 50, 'alert_mask': 0, 'connections_limit': 200,
    'max_out_request_queue': 1500, 'aio_threads': 4, 'hashing_threads': 2,
})


def add(torrent):
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
    params.save_path = folder
    if mode == 'seed':
        params.flags |= lt.torrent_flags.seed_mode
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    handle = session.add_torrent(params)
    for address in sys.argv[6:]:
        host, _, peer_port = address.rpartition(':')
        handle.connect_peer((host, int(peer_port)))
    return handle


def end_of_input(seconds):
    return select.select([sys.stdin], [], [], seconds)[0]


if mode == 'seed':
    for torrent in torrents.split(':'):
        add(torrent)
print('ready', flush=True)
if mode == 'leech':
    for torrent in torrents.split(':'):
        if not sys.stdin.buffer.raw.readline():
            sys.exit()
        handle = add(torrent)
        while not handle.status().is_seeding:
            if end_of_input(0.02):
                sys.exit()
        print('done', flush=True)
while not end_of_input(60):
    pass
