import { http, observe, serverOf } from './harness.ts'

/** Run in a process of its own: connects to the URL in argv and prints how that went. */
await using fixture = observe(serverOf(http(process.argv[2] ?? '')))
await fixture.upstream.settled()
const { state, lastError } = fixture.upstream
console.log(JSON.stringify({ state, lastError }))
