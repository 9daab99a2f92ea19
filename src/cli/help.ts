/** What `quoral help` prints. The flags are those of arguments.ts; a test compares the two. */

const OVERVIEW = `Quoral: a distributed transactional SQL database that speaks PostgreSQL's wire protocol.

usage: quoral <command> [options]

  demo      three nodes on this machine, kept running by a supervisor
  start     one node of a cluster
  sql       a small SQL shell
  help      this text, or: quoral help <command>
  version   the version

Exit codes: 0 done; 1 refused or failed (the message says what to do); 2 wrong arguments;
70 internal error (a supervisor should start the node again).
`;

const DEMO = `usage: quoral demo [options]

Runs a cluster of node processes on 127.0.0.1 and starts a node again 2 s after it died.
SIGINT or SIGTERM drains and stops all of them; a second one ends them at once.

  --data-dir DIR     where the nodes keep their data, between runs too   (./quoral-data)
  --nodes N          how many nodes, 1 to 9                               (3)
  --base-port PORT   SQL on PORT, PORT+1, ...; RPC from PORT+100, HTTP from PORT+200  (7432)
  --no-restart       leave a node that died dead
  --heap-mb N        bound of each node's JavaScript heap, megabytes      (400)
  --log-level LEVEL  debug, info, warn or error; logs are in DIR/nodeN.log  (info)

The node count of a data directory is fixed when it is first used.
`;

const START = `usage: quoral start [options]

Runs one node. SIGTERM or SIGINT drains it: leases move away, statements that run finish, new
ones are refused with 57P01; then it exits with 0. A second signal ends it at once.

  --data-dir DIR     this node's own data directory          (./quoral-data/node1)
  --storage KIND     rocksdb; or memory: nothing is kept, and a node of several cannot come back
                                                             (rocksdb)
  --sql-addr ADDR    where clients connect; loopback only, as there is no authentication yet
                                                             (127.0.0.1:7432)
  --rpc-addr ADDR    where the other nodes connect, as they know it  (127.0.0.1:7532)
  --http-addr ADDR   /health, /ready and /metrics; off for none      (127.0.0.1:7632)
  --join LIST        RPC addresses of all nodes, this one's too, comma-separated, the same list in
                     the same order on each node; none: a cluster of one node
  --rpc-via LIST     ADDR=VIA, comma-separated: to reach the node whose RPC address is ADDR, dial
                     VIA (a tunnel, a proxy); the node is still known as ADDR
  --locality LIST    failure domains from wide to narrow, as region=eu,zone=a,host=h1
  --log-level LEVEL  debug, info, warn or error              (info)
  --log-format FORM  text, or json: one object a line        (text)
  --log-file FILE    log there (32 MB at most in two files) instead of standard error
`;

const SQL = `usage: quoral sql [options] [URL]

Sends statements to a server and prints what it answers. Without -c it reads standard input:
interactively from a terminal, else to the end. URL is by default
postgresql://postgres@127.0.0.1:7432/postgres.

  -c, --command SQL  run this and exit; may be given several times

In the shell: \\q leaves, \\x switches between rows and one column a line, \\timing shows how long
statements take, \\? lists these. Ctrl-C cancels the statement that runs.
Exit code 1 if the connection or any statement of -c or of standard input failed.
`;

export function helpText(topic: string): string {
  switch (topic) {
    case 'demo':
      return DEMO;
    case 'start':
      return START;
    case 'sql':
      return SQL;
    default:
      return OVERVIEW;
  }
}
