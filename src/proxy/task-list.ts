import { within } from '../shared/async.ts'
import { isError, isRecord, type Params, type RpcResponse } from './rpc.ts'

/** One server's answer to `tasks/list`, page by page. */
export interface TaskSource {
  readonly ask: (params: Params) => Promise<RpcResponse>
  /** Over an upstream that many share, what it lists is not all for who asks. */
  readonly isOwn: (taskId: string) => boolean
}

const MOST_PAGES = 20
/** A slow server does not hold up the tasks of the others for longer. */
const WAIT = 5000

/** The own tasks of all sources in their order; one that fails or is slow contributes what is there until then. */
export async function ownTasks(sources: readonly TaskSource[]): Promise<readonly Params[]> {
  const lists = await Promise.all(sources.map(listed))
  return lists.flat()
}

async function listed(source: TaskSource): Promise<readonly Params[]> {
  const found: Params[] = []
  await within(WAIT, collect(source, found), undefined)
  return [...found]
}

async function collect({ ask, isOwn }: TaskSource, found: Params[]): Promise<void> {
  let params: Params = {}
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await ask(params).catch(() => undefined)
    // Not reached or refused: its tasks cannot be seen now, and the others' are worth having.
    if (!answer || isError(answer)) return
    found.push(...ownOf(answer.result, isOwn))
    const { nextCursor } = answer.result
    if (typeof nextCursor !== 'string' || nextCursor === params.cursor) return
    params = { cursor: nextCursor }
  }
}

/** Of one page the tasks that are for who asks. */
export function ownOf({ tasks }: Params, isOwn: TaskSource['isOwn']): readonly Params[] {
  const listed = Array.isArray(tasks) ? tasks.filter(isRecord) : []
  return listed.filter(({ taskId }) => typeof taskId === 'string' && isOwn(taskId))
}
