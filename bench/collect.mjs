// For the server whose memory is measured: SIGUSR2 forces a collection. Needs --expose-gc.
process.on('SIGUSR2', () => globalThis.gc());
