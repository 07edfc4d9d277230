import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { packageFolder } from '../../src/shared/paths.ts'
import { diagnosticsIn, problemsIn } from './problems.ts'

const folder = fileURLToPath(new URL('../fixtures/config', import.meta.url))

const env = {
  PATH: process.env['PATH'],
  PORT: '7700',
  WORD: 'lots',
  SESSION: 'per-clinet',
  LONG: '1000d',
  INJECTED: '\n  admin: true',
  NESTED: '${OTHER}',
  ALIAS: '*alias',
  A: '',
  B: 'b',
  OTHER: 'other',
  TOKEN: 'Zk3v9QxT1mB8nL5cR7wY2pD4',
  SCRIPT: 'javascript:alert(1)',
}

/** What a file is about, the file, and every problem that is reported for it: line, column, code, message, hint. */
const mistakes: readonly (readonly [title: string, file: string, problems: readonly string[]])[] = [
  [
    'C-01: aliases that multiply to a thousand million values are too many',
    'c01-alias-bomb.yaml',
    ['1:42 too_many_aliases: too many aliases: they add more than 10000 values'],
  ],
  [
    'C-04: a duplicate key is named with both of its lines',
    'c04-duplicate-key.yaml',
    ['6:5 duplicate_key: the key "port" stands on line 4 and again on line 6'],
  ],
  ['C-05: a merge key is fine', 'c05-merge-key.yaml', []],
  [
    'C-05: a merge key of something that is no map is an error',
    'c05-merge-scalar.yaml',
    ['3:5 yaml_merge: `<<` takes a map or a list of maps'],
  ],
  [
    'C-06: a tab that indents is an error where it stands',
    'c06-tab.yaml',
    ['3:1 yaml_syntax: a tab cannot indent YAML (use spaces)'],
  ],
  [
    'C-07: a misspelt required key is one problem, not two',
    'c07-misspelled-required.yaml',
    ['4:17 unknown_key: unknown key "reff" in group "tools" (did you mean "ref"?)'],
  ],
  [
    'C-07: an unknown key gets the one that was meant',
    'c07-unknown-key.yaml',
    [
      '3:5 unknown_key: unknown key "comand" in server "memory" (did you mean "command"?)',
      '6:5 unknown_key: unknown key "prot" in group "tools" (did you mean "port"?)',
    ],
  ],
  [
    'C-07: so does one at the root of a file',
    'c07-unknown-root-key.yaml',
    ['2:1 unknown_key: unknown key "servres" (did you mean "servers"?)'],
  ],
  [
    'C-08: an octal, a quoted and a worded port are no ports, also out of a variable',
    'c08-octal-port.yaml',
    [
      '3:37 bad_value: "0777" is not a port (for example 7611 or auto)',
      '6:11 bad_value: "7700" is not a port (remove the quotes: what is quoted is a text)',
      '12:11 bad_value: "lots" is not a port (for example 7611 or auto)',
    ],
  ],
  [
    'C-08: every other thing that is no port says what a port is',
    'c08-ports.yaml',
    [
      '3:38 bad_value: "80a" is not a port (for example 7611, auto, ${PORT:-7611})',
      '4:40 bad_value: "3000.5" is not a port (for example 7611, auto, ${PORT:-7611})',
      '5:36 bad_value: "0" is not a port (minimum 1) (for example 7611, auto, ${PORT:-7611})',
      '6:36 bad_value: "65536" is not a port (maximum 65535) (for example 7611, auto, ${PORT:-7611})',
      '7:40 bad_value: "-1" is not a port (minimum 1) (for example 7611, auto, ${PORT:-7611})',
      '8:40 bad_value: "1e400" is not a port (for example 7611, auto, ${PORT:-7611})',
      '9:35 bad_value: ".nan" is not a port (for example 7611, auto, ${PORT:-7611})',
      '10:36 bad_value: "12345678901234567890" is not a port (maximum 65535) (for example 7611, auto, ${PORT:-7611})',
      '11:36 bad_value: "any" is not a port (for example 7611, auto, ${PORT:-7611})',
    ],
  ],
  [
    'C-09: yes, no and on are texts in YAML 1.2, and say so',
    'c09-booleans.yaml',
    [
      '2:36 bad_boolean: "no" is a text in YAML 1.2, not a boolean (use true or false)',
      '2:50 bad_boolean: "yes" is a text in YAML 1.2, not a boolean (use true or false)',
      '3:35 bad_boolean: "on" is a text in YAML 1.2, not a boolean (use true or false)',
      '3:48 bad_boolean: "true" is not a boolean (use true or false, without quotes)',
    ],
  ],
  [
    'C-10: a port that two groups of a profile want names both',
    'c10-port-twice.yaml',
    ['4:17 duplicate_port: groups "fast" and "slow" both want port 7611 (give one of them another port, or auto)'],
  ],
  ['C-10: the same port in two profiles is fine, and so is auto twice', 'c10-port-in-two-profiles.yaml', []],
  [
    'C-11: addresses that overlap under other names are found before a start',
    'c11-hosts-overlap.yaml',
    [
      '6:16 duplicate_port: groups "one" and "two" both want port 7611 (127.0.0.1 and localhost overlap) (give one of them another port, or auto)',
      '8:17 duplicate_port: groups "three" and "four" both want port 7612 (127.0.0.1 and :: overlap) (give one of them another port, or auto)',
      '10:16 duplicate_port: groups "five" and "six" both want port 7613 (0.0.0.0 and 127.0.0.1 overlap) (give one of them another port, or auto)',
      '12:18 duplicate_port: groups "seven" and "eight" both want port 7614 (::1 and 0:0:0:0:0:0:0:1 overlap) (give one of them another port, or auto)',
      '14:16 duplicate_port: groups "nine" and "ten" both want port 7615 (::ffff:127.0.0.1 and 127.0.0.1 overlap) (give one of them another port, or auto)',
      '8:29 warning network_bind: group "four" is open to the network on ::, to clients that have a token',
      '9:29 warning network_bind: group "five" is open to the network on 0.0.0.0, to clients that have a token',
    ],
  ],
  [
    'C-11: addresses that do not overlap may share a port',
    'c11-hosts-apart.yaml',
    ['8:29 warning network_bind: group "wide" is open to the network on 0.0.0.0, to clients that have a token'],
  ],
  [
    'C-15: a port of the ephemeral range is a warning',
    'c15-ephemeral-port.yaml',
    [
      '3:18 warning ephemeral_port: port 40000 is in the range the system hands out to clients (32768-60999) (take one below 32768, or it may be taken when you need it)',
    ],
  ],
  [
    'C-16: a variable that YAML would take for a map says what to do',
    'c16-unquoted-in-flow.yaml',
    [
      '3:38 yaml_syntax: a ${…} cannot stand unquoted inside of { } or [ ] (quote it, or put the value on a line of its own)',
    ],
  ],
  [
    'C-16: variables that are not set or cannot be read are named where they stand',
    'c16-variables.yaml',
    [
      '3:14 unset_variable: the variable MISSING is not set (set MISSING, or give a default: ${MISSING:-value})',
      '4:38 bad_interpolation: cannot read "${}" (write ${NAME}, ${NAME:-default} or ${secret:NAME}, and $$ for a dollar sign)',
      '4:45 bad_interpolation: cannot read "${A${B}}" (write ${NAME}, ${NAME:-default} or ${secret:NAME}, and $$ for a dollar sign)',
      '5:19 unset_variable: the variable MISSING is not set (say where the data is)',
    ],
  ],
  [
    'C-17: values of the environment that look like YAML, variables or aliases are no problem',
    'c17-opaque-values.yaml',
    [],
  ],
  [
    'C-18: every source of a secret says why it has none',
    'c18-secret-sources.yaml',
    [
      '9:16 unknown_secret: the secret "unknwon" does not exist (did you mean "unknown"?)',
      '14:3 bad_secret: secret "none": has no source (give it exactly one of env, file, command)',
      '15:20 secret_file: secret "missing": ./no-such-file does not exist',
      '16:19 secret_file: secret "folder": . is a directory, not a file',
      '17:17 unset_secret: secret "unset": the variable NO_SUCH_VARIABLE is not set (set NO_SUCH_VARIABLE in the environment or an env file)',
      '19:23 secret_command: secret "program": the program no-such-program does not exist',
      '20:23 secret_command: secret "failing": false failed with exit code 1',
      '21:3 bad_secret: secret "both": has env and file (give it exactly one of env, file, command)',
    ],
  ],
  [
    'C-22: profiles that extend each other are printed as the cycle they are',
    'c22-extends-cycle.yaml',
    [
      '3:17 extends_cycle: profiles extend each other: b → a → b',
      '4:17 extends_cycle: profiles extend each other: a → b → a',
      '5:21 extends_cycle: profiles extend each other: self → self',
    ],
  ],
  [
    'C-22: a chain of nine is too deep',
    'c22-extends-depth.yaml',
    ['11:18 extends_depth: extends nests deeper than 8 profiles'],
  ],
  ['C-22: a diamond is fine', 'c22-extends-diamond.yaml', []],
  [
    'C-22: a profile that does not exist gets the one that was meant',
    'c22-extends-unknown.yaml',
    ['4:20 unknown_profile: profile "prod" extends "dve", which does not exist (did you mean "dev"?)'],
  ],
  [
    'C-22: an included file that is missing is an error, a pattern without files a warning',
    'c22-include-missing.yaml',
    [
      '1:11 file_missing: no-such-file.yaml does not exist',
      '1:30 warning empty_include: no file matches "no-such-folder/*.yaml"',
    ],
  ],
  [
    'C-22: an include may not leave the folder through ..',
    'c22-include-outside.yaml',
    [
      '1:11 include_outside: ROOT/test/fixtures/servers/nothing.yaml is outside of the folder ROOT/test/fixtures/config (name it with -f instead)',
    ],
  ],
  [
    'C-22: a file that includes itself is a cycle',
    'c22-include-self.yaml',
    ['1:10 include_cycle: files include each other: c22-include-self.yaml → c22-include-self.yaml'],
  ],
  ['C-23: a group named toString is one like any other', 'c23-harmless-names.yaml', []],
  [
    'C-23: keys that mean something to JavaScript are refused',
    'c23-prototype-keys.yaml',
    [
      '2:34 forbidden_key: the key "__proto__" is not allowed',
      '2:64 forbidden_key: the key "constructor" is not allowed',
    ],
  ],
  [
    'C-24: a group beyond loopback without auth is refused, with what to do',
    'c24-open-bind.yaml',
    [
      '3:23 open_bind: group "everywhere" is open to the network on 0.0.0.0 without auth (add auth: { type: bearer, tokens: "${secret:NAME}" }, or take host 127.0.0.1)',
      '4:16 open_bind: group "six" is open to the network on :: without auth (add auth: { type: bearer, tokens: "${secret:NAME}" }, or take host 127.0.0.1)',
      '5:16 open_bind: group "lan" is open to the network on 192.168.1.15 without auth (add auth: { type: bearer, tokens: "${secret:NAME}" }, or take host 127.0.0.1)',
      '6:17 open_bind: group "none" is open to the network on 10.0.0.1 without auth (add auth: { type: bearer, tokens: "${secret:NAME}" }, or take host 127.0.0.1)',
      '7:17 open_bind: group "name" is open to the network on my-laptop.local without auth (add auth: { type: bearer, tokens: "${secret:NAME}" }, or take host 127.0.0.1)',
      '10:21 bad_host: "a b" is not a host',
    ],
  ],
  [
    'C-24: with auth it is said where the group can be reached from',
    'c24-with-auth.yaml',
    [
      '5:23 warning network_bind: group "everywhere" is open to the network on 0.0.0.0, to clients that have a token',
      '6:16 warning network_bind: group "six" is open to the network on ::, to clients that have a token',
      '7:16 warning network_bind: group "lan" is open to the network on 192.168.1.15, to clients that have a token',
    ],
  ],
  [
    'C-25: tokens that are missing, famous or short are refused',
    'c25-weak-tokens.yaml',
    [
      '3:18 no_tokens: group "empty" has auth but no tokens (make one with: openssl rand -base64 32)',
      '4:20 no_tokens: group "missing" has auth but no tokens (make one with: openssl rand -base64 32)',
      '5:19 weak_token: group "famous" has a token that can be guessed: it takes 22 random characters (make one with: openssl rand -base64 32)',
      '6:21 weak_token: group "template" has a token that can be guessed: it takes 22 random characters (make one with: openssl rand -base64 32)',
      '7:18 weak_token: group "short" has a token that can be guessed: it takes 22 random characters (make one with: openssl rand -base64 32)',
      '8:17 weak_token: group "bare" has a token that can be guessed: it takes 22 random characters (make one with: openssl rand -base64 32)',
      '6:32 warning literal_secret: a secret is written out in this file (put it under secrets: and write ${secret:NAME})',
    ],
  ],
  [
    'C-27: equal prefixes are a warning, since only the servers know their names',
    'c27-equal-prefixes.yaml',
    [
      '5:27 warning ambiguous_prefix: servers "one" and "two" have the same prefix "a_" (give them prefixes of which none begins with the other)',
    ],
  ],
  ['C-27: names that filters keep apart are no problem', 'c27-kept-apart.yaml', []],
  [
    'C-27: prefixes that begin with one another are a warning, unless a filter or a bare prefix says more',
    'c27-nested-prefixes.yaml',
    [
      '10:22 warning ambiguous_prefix: "b_x" of "a" and "x" of "a_b" would both be "a_b_x" (give them prefixes of which none begins with the other)',
      '11:30 warning ambiguous_prefix: "b_x" of "listed" and "x" of "a_b" would both be "a_b_x" (give them prefixes of which none begins with the other)',
      '12:33 warning ambiguous_prefix: servers "listed" and "hidden" have the same prefix "a_" (give them prefixes of which none begins with the other)',
    ],
  ],
  [
    'C-27: a name that the profile itself gives to two things is an error at load',
    'c27-same-name.yaml',
    [
      '8:25 ambiguous_name: the tool "a__b__c" would be both "b__c" of "a" and "c" of "b" (change one of the prefixes, or rename one of the two)',
      '8:33 ambiguous_name: the prompt "old_greet" would be both "ask" of "old" and "greet" of "new" (change one of the prefixes, or rename one of the two)',
      '8:38 ambiguous_name: the tool "self_x" would be both "toString" of "self" and "y" of "self" (change one of the prefixes, or rename one of the two)',
    ],
  ],
  [
    'C-28: names that are paths, devices, too long or not to be seen are refused',
    'c28-names.yaml',
    [
      '2:3 bad_name: "../../x" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '3:3 bad_name: "a�b" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '4:3 bad_name: "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '5:3 bad_name: "🌵" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '6:3 bad_name: "CON" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '7:3 bad_name: "a�[31mb" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '8:3 bad_name: "a�b" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '9:3 bad_name: "a�b" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
    ],
  ],
  [
    'C-28: so are those of groups',
    'c28-group-names.yaml',
    [
      '3:3 bad_name: "../../x" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '4:3 bad_name: "a�b" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '5:3 bad_name: "🌵" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '6:3 bad_name: "con.fig" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
      '7:3 bad_name: "a b" is not a name (letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64)',
    ],
  ],
  [
    'C-28: so are those of profiles',
    'c28-profile-name.yaml',
    ['1:10 bad_value: "../../x" is not a name (for example local-fast, context7)'],
  ],
  [
    'C-29: a command line in place of a program is a warning with what to do',
    'c29-command-line.yaml',
    [
      '1:31 warning command_line: "npx -y foo && rm -rf x" is taken as one program (put the arguments into args: no shell takes them apart)',
    ],
  ],
  [
    'C-31: addresses that are not http, hold a password or mislead are told apart',
    'c31-urls.yaml',
    [
      '2:16 bad_url: a server\'s URL is http or https, not "file:"',
      '3:18 bad_url: a server\'s URL is http or https, not "javascript:"',
      '4:16 bad_url: a URL must not hold a user or a password (use headers: { Authorization: "Bearer ${secret:NAME}" })',
      '5:16 bad_url: a URL must not hold a user or a password (use headers: { Authorization: "Bearer ${secret:NAME}" })',
      '6:16 bad_url: "nowhere" is not a URL (for example https://host/mcp)',
      '10:16 bad_url: a server\'s URL is http or https, not "data:"',
      '11:20 bad_url: a server\'s URL is http or https, not "javascript:"',
      '4:16 warning literal_secret: a secret is written out in this file (put it under secrets: and write ${secret:NAME})',
      '7:20 warning url_fragment: the fragment "#part" is never sent to a server',
      '8:15 warning url_host: the host is xn--mnchen-3ya.example in the domain name system',
    ],
  ],
  ['C-32: a file of comments', 'c32-comments.yaml', ['1:1 empty_file: the file holds only comments']],
  [
    'C-32: two documents in a file',
    'c32-documents.yaml',
    ['2:1 many_documents: more than one YAML document (one file is one document: remove the `---`)'],
  ],
  ['C-32: an empty file', 'c32-empty.yaml', ['1:1 empty_file: the file is empty']],
  ['C-32: a list at the root', 'c32-list.yaml', ['1:1 not_a_map: holds a list where a map of keys is needed']],
  [
    'C-32: a profile without groups',
    'c32-no-groups.yaml',
    ['2:9 no_groups: profile "dev" has no groups (list some under groups:, or extend a profile that has some)'],
  ],
  [
    'C-32: a text at the root',
    'c32-text.yaml',
    ['1:1 not_a_map: holds the text "just a text" where a map of keys is needed'],
  ],
  [
    'C-33: tags are refused, those of scripts and of YAML itself alike',
    'c33-tags.yaml',
    [
      '1:31 yaml_tag: Unresolved tag: tag:yaml.org,2002:js/function (mcpctl reads plain YAML without tags)',
      '1:55 yaml_tag: Unresolved tag: !local (mcpctl reads plain YAML without tags)',
    ],
  ],
  [
    'C-33: what YAML 1.1 has tags for is refused as well, what YAML 1.2 has them for is not',
    'c33-binary.yaml',
    [
      '1:43 yaml_tag: Unresolved tag: tag:yaml.org,2002:binary (mcpctl reads plain YAML without tags)',
      '1:58 yaml_tag: Unresolved tag: tag:yaml.org,2002:timestamp (mcpctl reads plain YAML without tags)',
      '4:8 yaml_tag: Unresolved tag: tag:yaml.org,2002:set (mcpctl reads plain YAML without tags)',
    ],
  ],
  [
    'C-34: durations and sizes that are none are told what one looks like',
    'c34-units.yaml',
    [
      '4:26 bad_value: "5m30" is not a duration (for example 5s, 1m30s, 500ms)',
      '4:41 bad_value: "-1s" is not a duration or off (for example 60s, 1m30s, off)',
      '4:51 bad_value: "1e9d" is not a duration or off (for example 60s, 1m30s, off)',
      '4:63 bad_value: "5" is not a duration (for example 5s, 1m30s, 500ms)',
      '6:16 bad_value: "off" is not a duration (for example 5s, 1m30s, 500ms)',
      '7:19 bad_value: "1000d" is not a duration (for example 5s, 1m30s)',
      '10:24 bad_value: "1.5GiBB" is not a size (for example 4MiB, 512KiB)',
      '10:46 bad_value: "0" is not a whole number (minimum 1) (for example 3, 500)',
    ],
  ],
  [
    'C-36: a literal token is a warning that does not repeat it',
    'c36-literal-token.yaml',
    [
      '2:75 warning literal_secret: a secret is written out in this file (put it under secrets: and write ${secret:NAME})',
      '3:41 warning literal_secret: a secret is written out in this file (put it under secrets: and write ${secret:NAME})',
      '3:112 warning literal_secret: a secret is written out in this file (put it under secrets: and write ${secret:NAME})',
    ],
  ],
  [
    'a word that is none of the choices gets the nearest, or all of them',
    'choices.yaml',
    [
      '4:16 bad_value: "htp" is not allowed here (did you mean "http"?)',
      '5:15 bad_value: "modrn" is not allowed here (did you mean "modern"?)',
      '6:14 bad_value: "per-clinet" is not allowed here (did you mean "per-client"?)',
      '7:24 bad_value: "on-failure" is not allowed here (one of: always, never)',
      '9:37 no_tokens: group "tools" has auth but no tokens (make one with: openssl rand -base64 32)',
      '9:45 bad_value: "basic" is not allowed here (one of: bearer, jwt, none)',
    ],
  ],
  [
    'what two profiles claim to be is a mistake of the second',
    'claims.yaml',
    [
      '9:14 two_defaults: the profile "dev" is the default too (claims.yaml:4)',
      '10:19 ambiguous_match: the profile "dev" matches "local" too',
    ],
  ],
  ['a disabled server is not looked into', 'disabled.yaml', []],
  [
    'servers that are missing, twice or of two kinds are found together',
    'references.yaml',
    [
      '3:9 two_transports: server "both" has both "command" and "url" (delete the inherited one with null)',
      '4:12 no_transport: server "neither" has neither "command" nor "url" (give it one of them)',
      '7:15 unknown_server: group "tools": the server "wether" does not exist (did you mean "weather"?)',
      '7:32 duplicate_server: the server "weather" stands twice in group "tools"',
      '8:3 no_servers: group "empty" has no servers (list some under servers:, or delete the group with null)',
    ],
  ],
]

test.each(mistakes)('%s', async (_title, file, problems) => {
  const found = await problemsIn(folder, file, env)
  expect(found).toEqual(problems.map((problem) => `${file}:${problem.replaceAll('ROOT', packageFolder())}`))
})

test('every file with a mistake is in the table', () => {
  expect(readdirSync(folder).sort()).toEqual(mistakes.map(([_title, file]) => file).sort())
})

test('a frame shows the lines as the user wrote them, with a caret under the place', async () => {
  const [first] = await diagnosticsIn(folder, 'c07-unknown-key.yaml', env)
  expect(first?.frame).toBe(
    ['  1 | servers:', '  2 |   memory:', '> 3 |     comand: npx', '    |     ^^^^^^', '  4 | groups:'].join('\n'),
  )
})

test('C-35: a frame shows what a terminal would obey as what it is', async () => {
  const [first] = await diagnosticsIn(folder, 'c28-names.yaml', env)
  for (const { frame, message } of await diagnosticsIn(folder, 'c28-names.yaml', env)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that must not be there.
    expect(`${frame}${message}`).not.toMatch(/[\u0000-\u0008\u001b\u200b\u202e]/)
  }
  expect(first?.code).toBe('bad_name')
})
