/** bittorrent-tracker's own server, HTTP only. Prints its port and runs until killed. */
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

// A variable name hides the import from the type checker: `npm run bench -- --install` brings the package.
const name: string = 'bittorrent-tracker/server'
const { default: Server } = (await import(name)) as BittorrentTracker
const server = new Server({ udp: false, http: true, ws: false, stats: false })
server.listen(0, '127.0.0.1', () => console.log(server.http.address().port))
