import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GroupEvent } from '../protocol/records.ts'
import type { StatusBody } from '../tracker-client/api/schemas.ts'
import type { TrackerApp } from './app.ts'
import type { ResponseListener } from './http/response-observer.ts'

/** One replica's figures about itself, from memory. */
export interface ReplicaFigures {
  /** Swarms with at least one peer, and unexpired peers. */
  swarms: number
  peers: number
  /** Groups in memory, and how many revisions they lag, summed. */
  views: number
  revisionLag: number
  /** Milliseconds since the views were last known to be current. */
  viewAgeMs: number
  /** Failures of background work since the start, by kind. */
  backgroundFailures: Record<string, number>
}

/**
 * A plugin's access to the tracker. The plugin's function is called once, before the tracker listens. If it throws, the
 * error is logged with the plugin's name, and the tracker runs without it.
 */
export interface TrackerSeam {
  /**
   * The Fastify instance, for routes outside /v1 and for hooks, which see every request. With hooks the tracker answers
   * half as many heartbeats and announces; use `onAnswer` to count or time them.
   */
  readonly app: TrackerApp
  readonly replica: string
  readonly log: TrackerApp['log']
  /** SHOAL_<PLUGIN>_<NAME>, or else plugins.<plugin>.<name> of config.json. */
  setting(name: string): string | undefined
  /** A preHandler for routes that need a session: sets `request.actor` from `Authorization: Bearer`, or refuses. */
  requireSession(request: FastifyRequest, reply: FastifyReply): Promise<void>
  figures(): ReplicaFigures
  /** Whether Redis is reachable and the views are current, as in /readyz. */
  ready(): Promise<boolean>
  /** The fleet's status, as in `GET /v1/status`. Asks Redis. Throws STORE_UNAVAILABLE. */
  status(): Promise<StatusBody>
  /** Calls back after each answer. Errors of the listener are logged. */
  onAnswer(listener: ResponseListener): void
  /** Calls back with changes of groups as this replica receives them. Some may be missed, some may come twice. Errors are logged. */
  onEvent(listener: (event: GroupEvent) => void | Promise<void>): void
  /** Aborted when the tracker stops. End everything that would hold a connection open. */
  readonly stopping: AbortSignal
}

export type TrackerPlugin = (seam: TrackerSeam) => void | Promise<void>

/** A plugin's part of a tracker, as passed to startTracker. */
export interface TrackerExtension {
  name: string
  setting(name: string): string | undefined
  setup: TrackerPlugin
}
