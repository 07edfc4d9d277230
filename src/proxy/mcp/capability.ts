import { INVALID_PARAMS, isRecord, METHOD_NOT_FOUND, type Params, RpcFailure } from './rpc.ts'

/** The client capability without which a server's request of that method must not be sent. */
const needed: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
}

/** What a server asks of its client, however it is put to it. */
interface Question {
  readonly method: string
  readonly params?: Params
}

/** Whether the method is one that servers may put to clients at all, in either era. */
export function isQuestion(method: unknown): method is string {
  return typeof method === 'string' && Object.hasOwn(needed, method)
}

/**
 * Servers are told of every capability there may be: what this very client has not declared is refused here. Throws
 * RpcFailure with the code a client itself would answer with (MCP: Client, Elicitation, Error Handling).
 */
export function checkCapability({ method, params }: Question, capabilities: Params): void {
  const name = isQuestion(method) ? needed[method] : undefined
  if (name === undefined) return
  const declared = capabilities[name]
  if (!isRecord(declared)) throw new RpcFailure(METHOD_NOT_FOUND, `The client has not declared the capability ${name}`)
  if (method === 'elicitation/create' && !isModeKnown(params?.mode ?? 'form', declared))
    throw new RpcFailure(INVALID_PARAMS, `The client has not declared the elicitation mode ${String(params?.mode)}`)
  if (method === 'sampling/createMessage' && hasTools(params) && !isRecord(declared.tools))
    throw new RpcFailure(INVALID_PARAMS, 'The client has not declared the capability sampling.tools')
}

/** What a client has to declare to be asked this, as the modern era names it (MCP: Basic, Error Codes). */
export function requiredFor({ method, params }: Question): Params {
  if (method === 'elicitation/create') return { elicitation: { [String(params?.mode ?? 'form')]: {} } }
  if (method === 'sampling/createMessage' && hasTools(params)) return { sampling: { tools: {} } }
  const name = needed[method]
  return name === undefined ? {} : { [name]: {} }
}

/** Such a request must not be sent to a client that has not declared tools (MCP: Client, Sampling). */
function hasTools(params: Params | undefined): boolean {
  return params?.tools !== undefined || params?.toolChoice !== undefined
}

/** An empty capability means forms, as before there were modes (MCP: Client, Elicitation). */
function isModeKnown(mode: unknown, declared: Params): boolean {
  return isRecord(declared[String(mode)]) || (mode === 'form' && declared.url === undefined)
}
