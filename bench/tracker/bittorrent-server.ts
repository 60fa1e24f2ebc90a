/** bittorrent-tracker's own server, HTTP alone; writes its port, and runs until it is killed. */
interface BittorrentTracker {
  default: new (options: {
    udp: false
    http: true
    ws: false
    stats: false
  }) => {
    http: { address(): { port: number } }
    listen(port: number, host: string, listening: () => void): void
  }
}

// Not where types are checked: `npm run bench -- --install` brings it.
const name: string = 'bittorrent-tracker/server'
const { default: Server } = (await import(name)) as BittorrentTracker
const server = new Server({ udp: false, http: true, ws: false, stats: false })
server.listen(0, '127.0.0.1', () => console.log(server.http.address().port))
