import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GroupEvent } from '../protocol/records.ts'
import type { StatusBody } from '../tracker-client/api/schemas.ts'
import type { TrackerApp } from './app.ts'
import type { ResponseListener } from './http/response-observer.ts'

/** What one replica knows of itself, from memory. */
export interface ReplicaFigures {
  /** Swarms with at least one peer, and peers heard within the expiry. */
  swarms: number
  peers: number
  /** Groups held in memory, and the revisions by which they are behind, summed. */
  views: number
  revisionLag: number
  /** Milliseconds since the views were last known to be current. */
  viewAgeMs: number
  /** Failures of work that nobody awaits, since the start, by kind. */
  backgroundFailures: Record<string, number>
}

/**
 * Where a plugin takes part in a tracker: it is called once, before the tracker listens. What it throws is
 * logged with its name, and the tracker goes on without it.
 */
export interface TrackerSeam {
  /**
   * The Fastify instance: add routes outside /v1, and hooks, which see every request of the tracker. With hooks it
   * answers half as many heartbeats and announces: to count or time them, use `onAnswer`.
   */
  readonly app: TrackerApp
  readonly replica: string
  readonly log: TrackerApp['log']
  /** SHOAL_<PLUGIN>_<NAME>, else plugins.<plugin>.<name> of config.json. */
  setting(name: string): string | undefined
  /** A preHandler for routes of members alone: finds the session of `Authorization: Bearer` into `request.actor`, or refuses. */
  requireSession(request: FastifyRequest, reply: FastifyReply): Promise<void>
  figures(): ReplicaFigures
  /** Redis reachable and views current: what /readyz says. */
  ready(): Promise<boolean>
  /** The fleet, as `GET /v1/status` answers: asks Redis. Throws STORE_UNAVAILABLE. */
  status(): Promise<StatusBody>
  /** Calls back with each answer. What it throws is logged. */
  onAnswer(listener: ResponseListener): void
  /** Calls back with changes of groups as this replica hears of them: some may be missed, some come twice. What it throws is logged. */
  onEvent(listener: (event: GroupEvent) => void | Promise<void>): void
  /** Aborted when the tracker stops: ends what would hold a connection open. */
  readonly stopping: AbortSignal
}

export type TrackerPlugin = (seam: TrackerSeam) => void | Promise<void>

/** A plugin's part in a tracker, as it is handed to startTracker. */
export interface TrackerExtension {
  name: string
  setting(name: string): string | undefined
  setup: TrackerPlugin
}
