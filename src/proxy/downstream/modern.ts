import { modernRefusal, versionHeader } from '../era.ts'
import { deny } from './denial.ts'
import type { Visit } from './visit.ts'

/** The modern era on one address: every POST is one request that carries all it needs; there are no sessions. */
export class ModernEndpoint {
  async post({ request, response }: Visit, _body: unknown): Promise<void> {
    deny(response, modernRefusal(versionHeader(request)))
  }
}
