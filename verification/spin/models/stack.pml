/* A stack of N nodes that are reused (Treiber 1986). The head word and each next hold a node and
 * its generation; a push advances the generation of its node, modulo M. Each of P processes does K
 * operations: pop, push of a node it owns, or take-all.
 *
 * owner[n] is a ghost: 0 while n is on the stack, else who has it. Every success of an exchange
 * must find the node where the ghost has it; at the end no node is lost and none is there twice.
 *
 * Controls: NO_GENERATION; WRAPS (M = 2).
 */
#ifdef NO_GENERATION
#define M 1
#endif
#ifdef WRAPS
#define M 2
#endif
#ifndef M
#define M 16
#endif
#ifndef N
#define N 2
#endif
#ifndef P
#define P 2
#endif
#ifndef K
#define K 4
#endif

typedef Word { byte node; byte generation };
Word head;
Word next[N + 1];
byte generation[N + 1];
byte owner[N + 1];
byte ended;

inline load(into, from) { into.node = from.node; into.generation = from.generation }

proctype worker(byte me) {
    byte operations, node;
    Word seen, after;
    do
    :: operations == K -> break
    :: operations < K -> operations++;
        if
        :: /* pop */
            do
            :: d_step { load(seen, head) };
                if
                :: seen.node == 0 -> break
                :: else
                fi;
                d_step { load(after, next[seen.node]) };
                atomic {
                    if
                    :: head.node == seen.node && head.generation == seen.generation ->
                        load(head, after);
                        assert(owner[seen.node] == 0);
                        owner[seen.node] = me;
                        break
                    :: else
                    fi
                }
            od
        :: /* push */
            node = 0;
            if
            :: owner[1] == me -> node = 1
            :: owner[2] == me -> node = 2
#if N > 2
            :: owner[3] == me -> node = 3
#endif
            :: else
            fi;
            if
            :: node == 0
            :: else ->
                generation[node] = (generation[node] + 1) % M;
                do
                :: d_step { load(seen, head) };
                    d_step { load(next[node], seen) };
                    atomic {
                        if
                        :: head.node == seen.node && head.generation == seen.generation ->
                            head.node = node;
                            head.generation = generation[node];
                            owner[node] = 0;
                            break
                        :: else
                        fi
                    }
                od
            fi
        :: /* take all */
            atomic {
                node = head.node;
                head.node = 0;
                head.generation = 0;
                do
                :: node == 0 -> break
                :: else ->
                    assert(owner[node] == 0);
                    owner[node] = me;
                    node = next[node].node
                od
            }
        fi;
        node = 0;
        d_step { seen.node = 0; seen.generation = 0; after.node = 0; after.generation = 0 }
    od;
    ended++
}

init {
    byte node, found;
    atomic {
        node = 1;
        do
        :: node > N -> break
        :: else ->
            generation[node] = 1 % M;
            next[node].node = node - 1;
            next[node].generation = (node > 1 -> 1 % M : 0);
            node++
        od;
        head.node = N;
        head.generation = 1 % M;
        node = 1;
        do
        :: node > P -> break
        :: else -> run worker(node); node++
        od
    }
    ended == P;
    atomic {
        node = head.node;
        do
        :: node == 0 -> break
        :: else ->
            assert(owner[node] == 0);
            found++;
            assert(found <= N);
            node = next[node].node
        od;
        node = 1;
        do
        :: node > N -> break
        :: else ->
            found = found + (owner[node] != 0 -> 1 : 0);
            node++
        od;
        assert(found == N)
    }
}
