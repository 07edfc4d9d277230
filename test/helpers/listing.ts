import { bareFrame, type Listing } from '../../src/proxy/upstream/listing.ts'

/** What stands around every list of a server that says nothing besides. */
export const bareFrames: Listing['frames'] = {
  tools: bareFrame,
  resources: bareFrame,
  templates: bareFrame,
  prompts: bareFrame,
  greeting: bareFrame,
}
