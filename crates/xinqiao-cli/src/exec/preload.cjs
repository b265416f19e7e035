// Loaded into every Node process that `xinqiao exec` starts, because Node's own fetch and many
// clients ignore proxy variables. Connections to platform hosts go to the local door instead, which
// reads the wanted host from SNI or the Host header. Nothing else changes.
'use strict';
(() => {
  const door = Number(process.env.XINQIAO_EXEC_DOOR);
  const hosts = new Set((process.env.XINQIAO_EXEC_HOSTS || '').split(',').filter(Boolean));
  if (!door || hosts.size === 0) return;

  const isPlatform = (host) =>
    typeof host === 'string' && hosts.has(host.toLowerCase().replace(/\.$/, ''));

  // The forms (options), (port, host, options) and (path) of net.connect and tls.connect.
  const redirect = (args) => {
    const [first] = args;
    if (first !== null && typeof first === 'object' && !Array.isArray(first)) {
      if (first.socket || first.path && !first.host || !isPlatform(first.host)) return args;
      const options = { ...first, host: '127.0.0.1', port: door };
      delete options.hostname;
      delete options.lookup;
      if (!options.servername) options.servername = first.host;
      return [options, ...args.slice(1)];
    }
    if (isPlatform(args[1])) {
      const rest = args.slice(2);
      const options = rest[0] && typeof rest[0] === 'object' ? rest.shift() : {};
      return redirect([{ ...options, port: first, host: args[1] }, ...rest]);
    }
    return args;
  };

  const wrap = (object, name) => {
    const original = object[name];
    if (typeof original !== 'function') return;
    object[name] = function (...args) {
      return original.apply(this, redirect(args));
    };
  };

  const net = require('node:net');
  const tls = require('node:tls');
  const http = require('node:http');
  wrap(tls, 'connect');
  wrap(net, 'connect');
  wrap(net, 'createConnection');
  wrap(http.Agent.prototype, 'createConnection');
  require('node:module').syncBuiltinESMExports();
})();
