/**
 * Calls of modern clients that a legacy server has interrupted with a question: they wait here, still in flight
 * upstream, until the client brings the answer with its next request. One per proxy.
 */
export class Parking implements Disposable {
  [Symbol.dispose](): void {}
}
