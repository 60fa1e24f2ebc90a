/** `route` is the route's pattern ("/v1/groups/:group"), or "none" for an unknown route. `ms` is the time since the request. */
export type ResponseListener = (method: string, route: string, status: number, ms: number) => void

/** Reports every answer of this tracker to its listeners, whether Fastify or the fast path gave it. */
export class ResponseObservers {
  readonly #listeners: ResponseListener[] = []

  /** Whether anybody listens. If not, nothing needs to be timed. */
  get areObserved(): boolean {
    return this.#listeners.length > 0
  }

  /** The listener must not throw. */
  observe(listener: ResponseListener): void {
    this.#listeners.push(listener)
  }

  notify(method: string, route: string, status: number, ms: number): void {
    for (const listener of this.#listeners) listener(method, route, status, ms)
  }
}
