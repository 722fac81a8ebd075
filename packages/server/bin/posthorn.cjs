#!/usr/bin/env node
/*
 * What npm runs as `posthorn`. Plain old JavaScript, so that a Node that is too old can read it and say so. The first
 * line has no flags, because not every `env` and not every package manager's starter on Windows understands them.
 */
'use strict'

var path = require('path')
var about = require('../package.json')

/* Bounds on memory that can only be set when a process starts (see boundHeapGrowth in config/config.ts). */
var FLAG = '--max-semi-space-size=16'
var ARENAS = { name: 'MALLOC_ARENA_MAX', value: '2' }

function isOlder(version, than) {
  var at = 0
  while (at < than.length && version[at] === than[at]) at++
  return at < than.length && version[at] < than[at]
}

function numbersIn(text) {
  return text.match(/\d+/g).map(Number)
}

/*
 * Starts Node again in this process, with the bounds: it keeps its id, terminal and signals. Only a server runs long
 * enough for that. Does nothing if the bounds are there already, on Windows, and where a parent talks to this process.
 */
function restartBounded() {
  var isBounded =
    [process.env.NODE_OPTIONS || ''].concat(process.execArgv).join(' ').indexOf('max-semi-space-size') >= 0
  if (process.argv[2] !== 'serve' || isBounded || process.send || process.platform === 'win32' || !process.execve)
    return
  var env = Object.assign({}, process.env)
  if (env[ARENAS.name] === undefined) env[ARENAS.name] = ARENAS.value
  /* Compiled code is kept next to the code that it was made of, where only those who can change that can change it. */
  if (env.NODE_COMPILE_CACHE === undefined) env.NODE_COMPILE_CACHE = path.join(__dirname, '..', '.compiled')
  /* Node warns that execve is experimental: that is for us to know. */
  process.removeAllListeners('warning')
  process.execve(process.execPath, [process.execPath, FLAG].concat(process.execArgv, process.argv.slice(1)), env)
}

var found = process.versions.bun ? 'Bun ' + process.versions.bun : 'Node.js ' + process.versions.node
var needed = /\d+(\.\d+)*/.exec(about.engines.node)[0]
if (process.versions.bun || isOlder(numbersIn(process.versions.node), numbersIn(needed))) {
  found = 'Posthorn needs Node.js ' + needed + ' or newer, and this is ' + found
  process.stderr.write('posthorn: ' + found + ' (' + process.execPath + ').\n')
  process.exitCode = 1
} else {
  restartBounded()
  require('#cli')
}
