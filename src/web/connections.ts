import type { Socket } from 'node:net';

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** The number of requests that are not answered yet. */
  requests: number;
  /** A sequence number. It increases when the connection opens, and when a request arrives or is answered. */
  turn: number;
}

/**
 * The open connections of all listeners. When there are too many, each new one closes an old one: the longest idle connection of
 * the address that has the most. So a client that opens connections without end only loses its own, and a scrape or a health
 * check always gets through.
 */
export class Connections {
  readonly #most: number;
  readonly #open = new Map<string, Connection>();
  #turn = 0;

  /** @param most the maximum number of open connections. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Adds a connection that was just accepted; with TLS, before its handshake. */
  add(socket: Socket): void {
    const peer = peerOf(socket);
    if (peer === undefined) {
      // The client has already disconnected.
      socket.destroy();
      return;
    }
    const connection = { socket, address: socket.remoteAddress ?? '', requests: 0, turn: this.#nextTurn() };
    if (this.#open.size >= this.#most) this.#closeOne();
    this.#open.set(peer, connection);
    socket.once('close', () => {
      if (this.#open.get(peer) === connection) this.#open.delete(peer);
    });
  }

  /** Notes that a request has arrived. Call the returned function once it is answered. */
  begin(socket: Socket): () => void {
    // With TLS this socket differs from the accepted one, but has the same peer.
    const connection = this.#open.get(peerOf(socket) ?? '');
    if (connection === undefined) return () => {};
    connection.requests += 1;
    connection.turn = this.#nextTurn();
    return () => {
      connection.requests -= 1;
      connection.turn = this.#nextTurn();
    };
  }

  /** Closes all connections immediately. */
  destroy(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
  }

  #closeOne(): void {
    const counts = new Map<string, number>();
    for (const { address } of this.#open.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const largest = Math.max(...counts.values());
    let chosen: [string, Connection] | undefined;
    for (const candidate of this.#open) {
      const [, connection] = candidate;
      if (counts.get(connection.address) !== largest) continue;
      if (chosen === undefined || isBefore(connection, chosen[1])) chosen = candidate;
    }
    if (chosen === undefined) return;
    const [peer, { socket }] = chosen;
    this.#open.delete(peer);
    socket.destroy();
  }

  #nextTurn(): number {
    this.#turn += 1;
    return this.#turn;
  }
}

/** Whether to close `a` before `b`: idle connections before busy ones, and the longest inactive first. */
function isBefore(a: Connection, b: Connection): boolean {
  const [idle, other] = [a.requests === 0, b.requests === 0];
  return idle === other ? a.turn < b.turn : idle;
}

/** Both ends of a connection; `undefined` if it is closed. */
function peerOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  if (remoteAddress === undefined) return undefined;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
