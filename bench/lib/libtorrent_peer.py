#!/usr/bin/python3
"""A libtorrent peer to compare with: libtorrent_peer.py seed|leech TORRENT FOLDER IP PORT [IP:PORT ...]
A leecher prints its seconds to completion, stays as a seed, and ends with its standard input, as the seed does."""
import select, sys, time
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
handle = session.add_torrent(params)
started = time.time()
for address in sys.argv[6:]:
    host, _, peer_port = address.rpartition(':')
    handle.connect_peer((host, int(peer_port)))
if mode == 'seed':
    print('ready', flush=True)
fetching = mode == 'leech'
while not select.select([sys.stdin], [], [], 0.02 if fetching else 0.2)[0]:
    if fetching and handle.status().is_seeding:
        print(f'{time.time() - started:.3f}', flush=True)
        fetching = False
