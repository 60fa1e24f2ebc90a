/** Hears of an answer: the route's pattern ("/v1/groups/:group", "none" where there is no such route), and milliseconds since the request. */
export type ResponseListener = (method: string, route: string, status: number, ms: number) => void

/** Who wants to know of each answer of this tracker, by whichever way it went. */
export class ResponseObservers {
  readonly #listeners: ResponseListener[] = []

  /** Whether anybody listens: else nothing needs to be timed. */
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
