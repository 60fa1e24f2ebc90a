/** Names of the API's own request and answer headers, lower case as Node gives them. */

/** Request: the highest revision of the group that the client has seen. Answer: the one it was read at. */
export const REVISION_HEADER = 'shoal-revision'
/** The same on every repetition of one change, so that it is made once. */
export const IDEMPOTENCY_HEADER = 'idempotency-key'
