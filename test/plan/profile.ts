import type { Group, Profile } from '../../src/config/profile.ts'
import { groupOf as anyGroup, serverOf } from '../helpers/group.ts'

export function profileOf(groups: readonly Group[], change: Partial<Profile> = {}): Profile {
  return { project: 'seed', folder: '/project', name: 'dev', description: '', groups, secrets: [], ...change }
}

/** A group with one server and a port of its own. */
export function groupOf(name: string, change: Partial<Group> = {}): Group {
  return anyGroup([serverOf('memory')], { name, port: 7611, ...change })
}
