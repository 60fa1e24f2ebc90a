/** The API's own request and response headers, in lower case as Node gives them. */

/** Request: the highest revision of the group that the client has seen. Response: the revision of the answer. */
export const REVISION_HEADER = 'shoal-revision'
/** The same for every repetition of a change, so that it is made only once. */
export const IDEMPOTENCY_HEADER = 'idempotency-key'
