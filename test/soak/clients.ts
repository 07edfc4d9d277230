import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A process with many clients; see clients.mjs. */
export interface Clients extends AsyncDisposable {
  readonly sessions: number
  readonly failed: number
  /** Every client asks once on its session, however often it takes; resolves with how many could not. */
  again(): Promise<{ readonly failed: number; readonly ms: number }>
  /** Ends it and resolves with how many streams had ended before. */
  end(): Promise<{ readonly dropped: number }>
}

export interface ClientsOptions {
  readonly url: string
  readonly many: number
  readonly kind: 'stream' | 'session'
}

const program = fileURLToPath(new URL('./clients.mjs', import.meta.url))

/** Starts the process and resolves once all its clients are connected, or have failed to. */
export async function clients({ url, many, kind }: ClientsOptions): Promise<Clients> {
  const child = spawn(process.execPath, [program, url, String(many), kind], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const read = async (word: string) => {
    const { value } = await lines.next()
    if (typeof value !== 'string' || !value.startsWith(`${word} `)) throw new Error(`not ${word} but ${value}`)
    return JSON.parse(value.slice(word.length))
  }
  const opened = await read('open')
  return {
    ...opened,
    again() {
      child.stdin.write('again\n')
      return read('again')
    },
    end() {
      child.stdin.end()
      return read('over')
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
