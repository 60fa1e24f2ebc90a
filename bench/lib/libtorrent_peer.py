#!/usr/bin/python3
"""A libtorrent peer to compare with: libtorrent_peer.py seed|leech TORRENT FOLDER IP PORT [IP:PORT ...]
Says when it is ready. A leecher begins at a line of standard input, says when it has all and stays as a seed;
both end with standard input."""
import select, sys
import libtorrent as lt

mode, torrent, folder, ip, port = sys.argv[1:6]
session = lt.session({
    'listen_interfaces': f'{ip}:{port}', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
    'enable_natpmp': False, 'allow_multiple_connections_per_ip': True, 'enable_incoming_utp': False,
    'enable_outgoing_utp': False, 'unchoke_slots_limit': 50, 'alert_mask': 0, 'connections_limit': 200,
    'max_out_request_queue': 1500, 'aio_threads': 4, 'hashing_threads': 2,
})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(torrent)
params.save_path = folder
if mode == 'seed':
    params.flags |= lt.torrent_flags.seed_mode
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
fetching = mode == 'leech'
if fetching:
    print('ready', flush=True)
    sys.stdin.buffer.raw.readline()
handle = session.add_torrent(params)
for address in sys.argv[6:]:
    host, _, peer_port = address.rpartition(':')
    handle.connect_peer((host, int(peer_port)))
if not fetching:
    print('ready', flush=True)
while not select.select([sys.stdin], [], [], 0.02 if fetching else 0.2)[0]:
    if fetching and handle.status().is_seeding:
        print('done', flush=True)
        fetching = False
