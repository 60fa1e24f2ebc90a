// @ts-check

/**
 * For groups whose files are also on a web server, at `url` + GROUP/NAME: peers fetch chunks there before
 * they ask the swarm, `shoal origin GROUP:NAME` says whether a file is there, and `GET /origin/GROUP/NAME` on
 * a tracker redirects a browser to it.
 *
 * @type {import('@shoal/plugin').ShoalPlugin}
 */
export default {
  commands: { origin: () => import('./command.js') },
  tracker: () => import('./tracker.js'),
  peer: () => import('./peer.js'),
}
