import { once } from 'node:events'
import { WebSocket } from 'undici'
import { waitFor } from './wait.ts'

/** Runs an expression inside a living Node process, through its debugger. */
export async function evaluateIn(pid: number, expression: string): Promise<void> {
  process.kill(pid, 'SIGUSR1')
  // Every process opens its debugger there, one at a time: whose it is only the process itself can tell.
  await waitFor(async () => {
    const [target] = JSON.parse(await (await fetch('http://127.0.0.1:9229/json/list')).text())
    return evaluate(target.webSocketDebuggerUrl, `process.pid === ${pid} && (${expression}, true)`)
  })
}

/** Whether the value of the expression is true. */
async function evaluate(url: string, expression: string): Promise<boolean> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const answered = once(socket, 'message')
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }))
  const [{ data }] = await answered
  socket.close()
  return JSON.parse(data).result.result.value === true
}
