// @ts-check

/**
 * For groups whose files also lie on a web server, at `url` + GROUP/NAME:
 * peers take chunks from there before they ask the swarm, `shoal origin GROUP:NAME` tells whether a file is
 * there, and `GET /origin/GROUP/NAME` of a tracker leads a browser to it.
 *
 * @type {import('@shoal/plugin').ShoalPlugin}
 */
export default {
  commands: { origin: () => import('./command.js') },
  tracker: () => import('./tracker.js'),
  peer: () => import('./peer.js'),
}
