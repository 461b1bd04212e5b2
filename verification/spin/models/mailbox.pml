/* A mailbox in one word: EMPTY, SLEEP (the consumer sleeps, nothing is queued), or the newest item.
 * Whoever replaces SLEEP wakes the consumer; nobody else does. S submitters put their item in K
 * times each and wait until it is done.
 *
 * Controls: STORE_ARMS (the consumer arms by a store after a look); NO_WAKE.
 */
#ifndef S
#define S 2
#endif
#ifndef K
#define K 3
#endif
#define EMPTY 0
#define SLEEP 1
#define ITEM(i) (2 + (i))

byte word = EMPTY;
byte next[S + 2];
bool done[S];
bool token;

proctype submitter(byte me) {
    byte round, seen;
    do
    :: round == K -> break
    :: else -> round++;
        seen = word;
        do
        :: next[ITEM(me)] = (seen == SLEEP -> EMPTY : seen);
            atomic {
                if
                :: word == seen -> word = ITEM(me); break
                :: else -> seen = word
                fi
            }
        od;
        if
#ifndef NO_WAKE
        :: seen == SLEEP -> token = true
#endif
        :: else
        fi;
        /* The item is the submitter's again only now. */
        done[me];
        atomic { done[me] = false; seen = 0 }
    od
}

active proctype consumer() {
    byte item, following;
    do
    :: atomic { item = word; word = EMPTY };
        do
        :: item == EMPTY || item == SLEEP -> break
        :: else ->
            following = next[item];
            assert(!done[item - 2]);
            /* Nothing of the item is read after this. */
            done[item - 2] = true;
            item = following
        od;
        atomic { item = 0; following = 0 };
#ifdef STORE_ARMS
        if
        :: word == EMPTY -> word = SLEEP;
#else
        atomic {
            if
            :: word == EMPTY -> word = SLEEP
            :: else -> goto again
            fi
        };
        if
        :: true ->
#endif
end_asleep:
            token;
            token = false
#ifdef STORE_ARMS
        :: else
#endif
        fi;
again:  skip
    od
}

init {
    byte number;
    atomic {
        do
        :: number == S -> break
        :: else -> run submitter(number); number++
        od
    }
}
