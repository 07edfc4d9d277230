import { type CommandSpec, type Flag, lazily } from './command.ts'
import { run as call } from './commands/call.ts'
import { run as down } from './commands/down.ts'
import { run as events } from './commands/events.ts'
import { run as logs } from './commands/logs.ts'
import { run as ping } from './commands/ping.ts'
import { run as plan } from './commands/plan.ts'
import { run as prompt } from './commands/prompt.ts'
import { run as prompts } from './commands/prompts.ts'
import { run as read } from './commands/read.ts'
import { run as reload } from './commands/reload.ts'
import { run as resources } from './commands/resources.ts'
import { run as restart } from './commands/restart.ts'
import { run as rollback } from './commands/rollback.ts'
import { run as start } from './commands/start.ts'
import { run as status } from './commands/status.ts'
import { run as stop } from './commands/stop.ts'
import { run as tools } from './commands/tools.ts'
import { run as up } from './commands/up.ts'
import { run as url } from './commands/url.ts'
import { run as wait } from './commands/wait.ts'
import { formats } from './flags.ts'
import { count, duration, jsonObject } from './values.ts'

const waitTimeout: Flag = {
  flags: '--wait-timeout <duration>',
  summary: 'how long to wait until ready (60s)',
  parse: duration,
}
const json: Flag = { flags: '--args <json>', summary: 'arguments as one JSON object', parse: jsonObject }

const allowEmpty: Flag = { flags: '--allow-empty', summary: 'a profile without groups is meant' }

/**
 * Every command in the order of the help. Most are a few lines over the control API and come with the program, in one
 * file: each file more is a read at every start. What is heavy (reading YAML, an MCP client, a supervisor) is loaded
 * only by the command that needs it.
 */
export const commands: readonly CommandSpec[] = [
  {
    name: 'up',
    args: '[profile] [groups...]',
    summary: 'start a profile, or apply what changed to the running one',
    flags: [
      { flags: '-d, --detach', summary: 'run in the background' },
      { flags: '--wait', summary: 'in the background, and return when every group is ready' },
      waitTimeout,
      { flags: '--no-watch', summary: 'do not apply saved files by themselves' },
      { flags: '--port-offset <n>', summary: 'add this to every fixed port', parse: count },
      { flags: '--resume', summary: 'run the last good configuration if the files are invalid' },
      allowEmpty,
    ],
    examples: ['mcpctl up dev', 'mcpctl up prod local-fast lan', 'ENV=production mcpctl up -d --wait'],
    run: up,
  },
  {
    name: 'down',
    summary: 'stop everything and leave no process behind',
    examples: ['mcpctl down'],
    run: down,
  },
  {
    name: 'restart',
    args: '[groups...]',
    summary: 'give groups a new process and wait until they are ready',
    examples: ['mcpctl restart', 'mcpctl restart lan'],
    run: restart,
  },
  {
    name: 'start',
    args: '<groups...>',
    summary: 'start groups that were stopped',
    examples: ['mcpctl start lan'],
    run: start,
  },
  {
    name: 'stop',
    args: '<groups...>',
    summary: 'stop groups, and keep them stopped',
    examples: ['mcpctl stop lan'],
    run: stop,
  },
  {
    name: 'reload',
    summary: 'read the profile set again and apply the difference',
    flags: [
      { flags: '--dry-run', summary: 'only show the plan' },
      allowEmpty,
      { flags: '--wait', summary: 'return when every group is ready' },
      waitTimeout,
    ],
    examples: ['mcpctl reload --dry-run', 'mcpctl reload --wait'],
    run: reload,
  },
  {
    name: 'plan',
    args: '[profile] [groups...]',
    summary: 'show what up would do now',
    flags: [{ flags: '--port-offset <n>', summary: 'add this to every fixed port', parse: count }],
    examples: ['mcpctl plan prod'],
    run: plan,
  },
  {
    name: 'rollback',
    args: '[generation]',
    summary: 'put an earlier configuration in force again',
    flags: [{ flags: '--wait', summary: 'return when every group is ready' }, waitTimeout],
    examples: ['mcpctl rollback', 'mcpctl rollback 7 --wait'],
    run: rollback,
  },
  {
    name: 'lock',
    args: '[profile] [groups...]',
    summary: 'write down what the servers say of themselves, or compare with it',
    flags: [
      { flags: '--check', summary: 'write nothing; exit 9 when something is not as locked' },
      { flags: '--accept <items...>', summary: 'take over only these: SERVER or SERVER/TOOL' },
    ],
    examples: ['mcpctl lock', 'mcpctl lock prod --check', 'mcpctl lock --accept memory/search_nodes'],
    run: lazily(() => import('./commands/lock.ts')),
  },
  {
    name: 'status',
    alias: 'ps',
    args: '[groups...]',
    summary: 'show groups and servers',
    flags: [
      { flags: '--watch', summary: 'show it again after every change' },
      { flags: '--exit-code', summary: 'exit 7 unless everything is ready or degraded' },
    ],
    examples: ['mcpctl status', 'mcpctl ps --json'],
    run: status,
  },
  {
    name: 'wait',
    args: '[groups...]',
    summary: 'return when groups are ready or degraded',
    flags: [waitTimeout],
    examples: ['mcpctl wait --wait-timeout 30s'],
    run: wait,
  },
  {
    name: 'url',
    args: '<group>',
    summary: 'print where a group or GROUP/SERVER listens',
    examples: ['curl "$(mcpctl url local-fast)"', 'mcpctl url local-fast/memory'],
    run: url,
  },
  {
    name: 'logs',
    args: '[target]',
    summary: 'show logs of everything, a GROUP or GROUP/SERVER',
    flags: [
      { flags: '-f, --follow', summary: 'show new records as they come' },
      { flags: '-n, --tail <lines>', summary: 'how many of the newest records (100)', parse: count },
    ],
    examples: ['mcpctl logs -f', 'mcpctl logs lan/geotab-workspace -n 20'],
    run: logs,
  },
  {
    name: 'events',
    summary: 'show changes as they happen',
    examples: ['mcpctl events', 'mcpctl events --json'],
    run: events,
  },
  {
    name: 'validate',
    args: '[profile]',
    summary: 'check one profile, or the whole profile set',
    flags: [
      { flags: '--format <format>', summary: 'form of the problems', choices: formats },
      { flags: '--strict', summary: 'fail on warnings too' },
    ],
    examples: ['mcpctl validate', 'mcpctl validate prod --strict --format github'],
    run: lazily(() => import('./commands/validate.ts')),
  },
  {
    name: 'config',
    args: '[profile]',
    summary: 'print a profile as resolved, secrets masked',
    flags: [
      { flags: '--origin', summary: 'with file:line of every value' },
      { flags: '--diff <profile>', summary: 'only what differs in the other profile' },
    ],
    examples: ['mcpctl config prod --origin', 'mcpctl config dev --diff prod'],
    run: lazily(() => import('./commands/config.ts')),
  },
  {
    name: 'profiles',
    summary: 'list the profiles, and which one would be chosen',
    examples: ['ENV=production mcpctl profiles'],
    run: lazily(() => import('./commands/profiles.ts')),
  },
  {
    name: 'use',
    args: '[profile]',
    summary: 'remember a profile for this project',
    flags: [{ flags: '--unset', summary: 'forget it' }],
    examples: ['mcpctl use prod', 'mcpctl use --unset'],
    run: lazily(() => import('./commands/use.ts')),
  },
  {
    name: 'schema',
    args: '[name]',
    summary: 'print a JSON Schema: mcpctl, profile, defs or lock',
    examples: ['mcpctl schema profile'],
    run: lazily(() => import('./commands/schema.ts')),
  },
  {
    name: 'tools',
    args: '[target]',
    summary: 'list tools of all groups, a GROUP or GROUP/SERVER',
    examples: ['mcpctl tools', 'mcpctl tools local-fast/memory --json'],
    run: tools,
  },
  {
    name: 'call',
    args: '<target> <tool> [arguments...]',
    summary: 'call a tool of a GROUP or GROUP/SERVER',
    flags: [json],
    examples: ['mcpctl call local-fast memory_search_nodes query=oslo', 'mcpctl call lan add a:=1 b:=2'],
    run: call,
  },
  {
    name: 'resources',
    args: '[target]',
    summary: 'list resources and resource templates',
    examples: ['mcpctl resources local-fast'],
    run: resources,
  },
  {
    name: 'read',
    args: '<target> <uri>',
    summary: 'read a resource',
    examples: ['mcpctl read local-fast file:///notes.txt'],
    run: read,
  },
  {
    name: 'prompts',
    args: '[target]',
    summary: 'list prompts',
    examples: ['mcpctl prompts local-fast'],
    run: prompts,
  },
  {
    name: 'prompt',
    args: '<target> <name> [arguments...]',
    summary: 'fill in a prompt',
    flags: [json],
    examples: ['mcpctl prompt local-fast greet name=Ada'],
    run: prompt,
  },
  {
    name: 'ping',
    args: '[target]',
    summary: 'measure round trips to groups',
    flags: [{ flags: '-n, --count <n>', summary: 'how many (5)', parse: count }],
    examples: ['mcpctl ping local-fast -n 20'],
    run: ping,
  },
]
