import { within } from '../../shared/async.ts'
import type { Asker } from '../downstream/asker.ts'
import type { Exchange, Sink } from '../mcp/exchange.ts'
import {
  isError,
  isRecord,
  METHOD_NOT_FOUND,
  type Params,
  RpcFailure,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'

/** One server that has tasks. */
export interface TaskSource {
  readonly ask: (exchange: Exchange) => Promise<RpcResponse>
  /** Over an upstream that many share, what it lists is not all for who asks. */
  readonly isOwn: (taskId: string) => boolean
}

interface Question {
  readonly asker: Asker
  readonly request: RpcRequest
}

const MOST_PAGES = 20
/** A slow server does not hold up the tasks of the others for longer. */
const WAIT = 5000

/** The answer to `tasks/list`: one server's own without the tasks of others, or the own tasks of all on one page. */
export async function listTasks(sources: readonly TaskSource[], question: Question): Promise<RpcResponse> {
  const { asker, request } = question
  const [only] = sources
  if (asker.server !== undefined && only) return ownAnswer(only, question)
  const lists = await Promise.all(sources.map((source) => listed(source, question)))
  return { jsonrpc: '2.0', id: request.id, result: { tasks: lists.flat() } }
}

async function ownAnswer({ ask, isOwn }: TaskSource, { asker, request }: Question): Promise<RpcResponse> {
  const answer = await ask(exchangeOf(asker, request.params))
  if (isError(answer) || !Array.isArray(answer.result.tasks)) return answer
  return { ...answer, result: { ...answer.result, tasks: ownOf(answer.result, isOwn) } }
}

/** One that fails or is slow contributes what is there until then. */
async function listed(source: TaskSource, { asker }: Question): Promise<readonly Params[]> {
  const found: Params[] = []
  const over = new AbortController()
  await within(
    WAIT,
    collect(source, (params) => exchangeOf(asker, params, over.signal), found),
    undefined,
  )
  over.abort('The list is not waited for any longer')
  return [...found]
}

async function collect(
  { ask, isOwn }: TaskSource,
  exchange: (params: Params) => Exchange,
  found: Params[],
): Promise<void> {
  let params: Params = {}
  for (let page = 0; page < MOST_PAGES; page++) {
    // Not reached or refused: its tasks cannot be seen now, and the others' are worth having.
    const answer = await ask(exchange(params)).catch(() => undefined)
    if (!answer || isError(answer)) return
    found.push(...ownOf(answer.result, isOwn))
    const { nextCursor } = answer.result
    if (typeof nextCursor !== 'string' || nextCursor === params.cursor) return
    params = { cursor: nextCursor }
  }
}

function exchangeOf({ caller }: Asker, params: Params | undefined, signal = new AbortController().signal): Exchange {
  return { method: 'tasks/list', params, sink: silent, signal, caller }
}

/** A list has no side conversation. */
const silent: Sink = {
  notify: () => {},
  request: ({ method }) => Promise.reject(new RpcFailure(METHOD_NOT_FOUND, `${method} is not possible here`)),
}

/** Of one page the tasks that are for who asks. */
function ownOf({ tasks }: Params, isOwn: TaskSource['isOwn']): readonly Params[] {
  const all = Array.isArray(tasks) ? tasks.filter(isRecord) : []
  return all.filter(({ taskId }) => typeof taskId === 'string' && isOwn(taskId))
}
