/** A change: its user, its time, and the key that identifies its repetitions (1 to 128 characters). */
export interface Mutation {
  key: string
  by: string
  /** ISO 8601: the replica's clock, written into records and events. */
  at: string
}

/** The revision of the group that an answer was read at. */
export interface Revised {
  revision: number
}
