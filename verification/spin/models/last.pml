/* The slots of a value stack: two lists, `used` and `free`, and one place, `last`, where a pop
 * leaves its slot for the next push. Each of P = 2 processes does K operations on N slots: a push
 * takes a slot (from `last`, if it saw one there, else off `free`) and publishes it on `used`; a
 * pop takes one off `used` and leaves it in `last`, if it saw nothing there, else puts it on `free`.
 * What is swapped out of `last` is the swapper's. A publication advances the slot's generation,
 * modulo M.
 *
 * place[n] is a ghost: where slot n is, or who has it. Every success must find the slot where the
 * ghost has it; at the end no slot is lost and none is there twice. A push may fail only if the
 * stack held C values at some moment of it, where N = C + 1: the other process may have one slot
 * under way. (Handles keep more: their part of the formula is loom's.)
 *
 * Controls: LEFT_BY_STORE (a pop stores into `last`), TAKEN_BY_LOAD (a push reads `last` and clears
 * it in two steps), FORGETS (what a pop swaps out of `last` is not put on `free`), NO_SPARE (C = N).
 */
#ifndef M
#define M 16
#endif
#ifndef N
#define N 3
#endif
#ifndef K
#define K 4
#endif
#define P 2
#ifdef NO_SPARE
#define C N
#else
#define C (N - 1)
#endif

#define ON_USED 1
#define ON_FREE 2
#define IN_LAST 3
#define MINE (10 + me)

typedef Word { byte node; byte generation };
Word used;
Word free;
Word last;
Word next[N + 1];
byte generation[N + 1];
byte place[N + 1];
byte held;
bool was_full[P + 1];
byte ended;

inline load(into, from) { into.node = from.node; into.generation = from.generation }
inline clear(word) { word.node = 0; word.generation = 0 }

/* One value more: whoever is pushing has been there when the stack was full, if it is now. */
inline count_up() {
    held++;
    if
    :: held >= C ->
        was_full[1] = true;
        was_full[2] = true
    :: else
    fi
}

/* Takes the top of a list that is in place `list`; node is 0 if there was none. */
inline unpublish(head, list) {
    do
    :: d_step { load(seen, head) };
        if
        :: seen.node == 0 -> node = 0; break
        :: else
        fi;
        d_step { load(after, next[seen.node]) };
        atomic {
            if
            :: head.node == seen.node && head.generation == seen.generation ->
                load(head, after);
                assert(place[seen.node] == list);
                assert(generation[seen.node] == seen.generation);
                node = seen.node;
                place[node] = MINE;
                if
                :: list == ON_USED -> held--
                :: else
                fi;
                break
            :: else
            fi
        }
    od
}

/* Puts a slot on a list, first as if the head were what was seen before. */
inline publish(head, to) {
    atomic {
        assert(place[node] == MINE);
        generation[node] = (generation[node] + 1) % M
    };
    do
    :: d_step { load(next[node], seen) };
        atomic {
            if
            :: head.node == seen.node && head.generation == seen.generation ->
                head.node = node;
                head.generation = generation[node];
                place[node] = to;
                if
                :: to == ON_USED -> count_up()
                :: else
                fi;
                break
            :: else
            fi
        };
        atomic { load(seen, head) }
    od
}

/* Swaps the slot that it has, or nothing, into `last`; node is what was there. */
inline swap_last() {
    atomic {
        load(after, last);
        last.node = node;
        last.generation = (node != 0 -> generation[node] : 0);
        if
        :: node != 0 -> place[node] = IN_LAST
        :: else
        fi;
        node = after.node;
        if
        :: node != 0 ->
            assert(place[node] == IN_LAST);
            assert(generation[node] == after.generation);
            place[node] = MINE
        :: else
        fi
    }
}

inline take_last() {
#ifdef TAKEN_BY_LOAD
    d_step { node = last.node };
    atomic {
        clear(last);
        if
        :: node != 0 -> assert(place[node] == IN_LAST); place[node] = MINE
        :: else
        fi
    }
#else
    node = 0;
    swap_last()
#endif
}

proctype worker(byte me) {
    byte operations, node;
    bool there;
    Word seen, after, top;
    do
    :: operations == K -> break
    :: operations < K -> operations++;
        if
        :: /* push */
            atomic { was_full[me] = (held >= C); load(top, used) };
            d_step { there = (last.node != 0); node = 0 };
            if
            :: there -> take_last()
            :: else
            fi;
            if
            :: node == 0 ->
                unpublish(free, ON_FREE);
                if
                :: node == 0 ->
                    take_last();
                    if
                    :: node == 0 -> unpublish(free, ON_FREE)
                    :: else
                    fi
                :: else
                fi
            :: else
            fi;
            if
            :: node == 0 -> assert(was_full[me])
            :: else ->
                atomic { load(seen, top) };
                publish(used, ON_USED)
            fi
        :: /* pop */
            d_step { there = (last.node != 0) };
            unpublish(used, ON_USED);
            if
            :: node == 0
            :: node != 0 && !there ->
#ifdef LEFT_BY_STORE
                atomic {
                    last.node = node;
                    last.generation = generation[node];
                    place[node] = IN_LAST;
                    node = 0
                }
#else
                swap_last()
#endif
            :: else
            fi;
#ifdef FORGETS
            if
            :: !there -> node = 0
            :: else
            fi;
#endif
            if
            :: node == 0
            :: else ->
                atomic { load(seen, free) };
                publish(free, ON_FREE)
            fi
        fi;
        node = 0;
        d_step { there = false; was_full[me] = false; clear(seen); clear(after); clear(top) }
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
            place[node] = ON_FREE;
            next[node].node = node - 1;
            next[node].generation = (node > 1 -> 1 % M : 0);
            node++
        od;
        free.node = N;
        free.generation = 1 % M;
        node = 1;
        do
        :: node > P -> break
        :: else -> run worker(node); node++
        od
    }
    ended == P;
    atomic {
        node = used.node;
        do
        :: node == 0 -> break
        :: else ->
            assert(place[node] == ON_USED);
            found++;
            assert(found <= N);
            node = next[node].node
        od;
        assert(found == held);
        node = free.node;
        do
        :: node == 0 -> break
        :: else ->
            assert(place[node] == ON_FREE);
            found++;
            assert(found <= N);
            node = next[node].node
        od;
        if
        :: last.node != 0 -> assert(place[last.node] == IN_LAST); found++
        :: else
        fi;
        assert(found == N)
    }
}
