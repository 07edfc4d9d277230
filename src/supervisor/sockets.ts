import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { Listen } from '../plan/model.ts'
import { portOwner } from './port-owner.ts'

/** A bound socket that the supervisor keeps while proxies come and go behind it. */
export interface HeldSocket {
  readonly listen: Listen
  /** Inherited by a proxy under `LISTEN_FD`. Undefined where the platform cannot hand it over: the proxy binds then. */
  readonly fd: number | undefined
  /** What the IPC channel can carry to a living proxy. */
  readonly handle: SocketHandle | undefined
}

/** An address that could not be bound. */
export interface Taken {
  /** Why, as a sentence for `lastError`: who has it is looked up when it is asked for. */
  readonly taken: () => string
}

/**
 * The listening sockets of all groups, one per address. Bound here and never listened on here: a supervisor that
 * polled them would swallow connections. The first proxy that listens turns the kernel's socket on, and from then on
 * connections wait in its queue while no proxy is there.
 */
export class Sockets implements Disposable {
  readonly #held = new Map<string, HeldSocket>()

  /** Without it a proxy binds its port by itself, and while none runs, connections to it are refused. */
  get canHold(): boolean {
    return createServerHandle() !== undefined
  }

  /** The socket of this address, bound now unless it is held already. */
  hold(listen: Listen): HeldSocket | Taken {
    const known = this.#held.get(keyOf(listen))
    if (known) return known
    const socket = bind(listen)
    if ('fd' in socket) this.#held.set(keyOf(listen), socket)
    return socket
  }

  holds(listen: Listen): boolean {
    return this.#held.has(keyOf(listen))
  }

  release(listen: Listen): void {
    this.#held.get(keyOf(listen))?.handle?.close()
    this.#held.delete(keyOf(listen))
  }

  /** Lets go of every socket but those of these addresses. */
  keepOnly(listens: readonly Listen[]): void {
    const kept = new Set(listens.map(keyOf))
    for (const [key, { listen }] of this.#held) if (!kept.has(key)) this.release(listen)
  }

  [Symbol.dispose](): void {
    this.keepOnly([])
  }
}

function keyOf({ host, port }: Listen): string {
  return `${numeric(host)} ${port}`
}

function numeric(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host
}

function bind({ host, port }: Listen): HeldSocket | Taken {
  const address = numeric(host)
  const create = createServerHandle()
  if (!create) return reserve({ host: address, port })
  const handle = create(address, port, net.isIPv6(address) ? 6 : 4)
  if (typeof handle === 'number') return { taken: () => sentence(address, port, handle) }
  // The kernel's refusal of an occupied port is kept back until somebody asks: listening on such a handle would
  // silently listen on another port, on all interfaces.
  const bound: { address?: string; port?: number } = {}
  const refusal = handle.getsockname(bound)
  if (refusal === 0 && bound.port === port) return { listen: { host: address, port }, fd: handle.fd, handle }
  handle.close()
  return { taken: () => sentence(address, port, refusal) }
}

/** All that can be done without binding: to see whether somebody is there. */
function reserve(listen: Listen): HeldSocket | Taken {
  const owner = portOwner(listen.host, listen.port)
  if (owner === undefined) return { listen, fd: undefined, handle: undefined }
  return { taken: () => `port ${listen.port} is taken by ${owner}` }
}

function sentence(host: string, port: number, errno: number): string {
  const name = errno === 0 ? 'EADDRINUSE' : getSystemErrorName(errno)
  if (name === 'EADDRINUSE') return `port ${port} is taken by ${portOwner(host, port) ?? 'another process'}`
  const hint = name === 'EACCES' ? ', low ports are for root: take one from 1024 up' : ''
  return `cannot listen on ${host}:${port}: ${name}${hint}`
}

/** The part of Node's own TCP handle that is used here. */
export interface SocketHandle {
  readonly fd: number
  getsockname(out: { address?: string; port?: number }): number
  close(): void
}

type CreateHandle = (address: string, port: number, family: 4 | 6) => SocketHandle | number

/**
 * Node has no public way to bind without listening; `_createServerHandle` is what its own `listen` begins with. Asked for
 * each time: undefined on a Node that lacks it, and on Windows, where nobody can listen on an inherited socket.
 */
function createServerHandle(): CreateHandle | undefined {
  const create: unknown = Reflect.get(net, '_createServerHandle')
  return typeof create === 'function' && process.platform !== 'win32' ? (create as CreateHandle) : undefined
}
