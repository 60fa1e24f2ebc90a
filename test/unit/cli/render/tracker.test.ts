import { statusText } from '../../../../cli/render/tracker.ts'

test('the status of a fleet is a table of replicas, counts, streams and Redis', () => {
  const replica = { id: 'a1', url: 'http://t1:8080', revisionLag: 0, swarms: 2, peers: 3 }
  const text = statusText({
    replicas: [
      { ...replica, memory: 90 * 2 ** 20, uptime: 75 },
      { ...replica, id: 'b2', url: 'http://t2:8080', revisionLag: 4, memory: 2 ** 30, uptime: 5 },
    ],
    users: 1,
    groups: 2,
    files: 30,
    swarms: 2,
    peers: 3,
    streams: { changes: 1, longest: 1 },
    redis: { kind: 'cluster', masters: 3, copies: 1, memory: 2048 },
  })
  expect(text).toBe(
    [
      'REPLICA  URL             REVISION LAG  SWARMS  PEERS  MEMORY    UPTIME',
      'a1       http://t1:8080  0             2       3      90.0 MiB  1m 15s',
      'b2       http://t2:8080  4             2       3      1.0 GiB   5.0 s',
      '1 user, 2 groups, 30 files, 2 swarms, 3 peers',
      'streams: 1 change, at most 1 in one group',
      'Redis: a Cluster, 3 masters with 1 copy, 2.0 KiB of data',
    ].join('\n'),
  )
})
