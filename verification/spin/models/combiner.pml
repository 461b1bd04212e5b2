/* A combiner whose role is handed on. One word: IDLE, HELD with an empty inbox, or HELD with the
 * newest of a last-in-first-out inbox. Whoever replaces IDLE leads; a leader executes its own
 * operation and at most B - 1 others, then hands the role to the oldest that waits, or gives it up
 * by an exchange that finds the inbox still empty. S submitters, K operations each.
 *
 * Controls: GATEWAY (looks, then stores IDLE); BLIND_WAIT (looks, then registers by a store);
 * KEEPS_ROLE (hands the role on and goes on leading).
 */
#ifndef S
#define S 3
#endif
#ifndef B
#define B 2
#endif
#ifndef K
#define K 1
#endif
#define IDLE 255
#define HELD 0

/* What a submitter's own word says. */
#define QUEUED 0
#define WAITS 1
#define LEAD 2
#define DONE 3

byte word = IDLE;
byte next[S + 1];
byte state[S + 1];
bool token[S + 1];
byte executed[S + 1];
byte leaders, ended;
/* The leader's own: passed on with the role. */
byte kept[S];
byte queued;

inline execute(who) { assert(leaders == 1); executed[who]++ }

inline fulfil(who, with) {
    atomic { old = state[who]; state[who] = with };
    if
    :: old == WAITS -> token[who] = true
    :: else
    fi
}

/* Takes the whole inbox; the oldest of it goes behind what is there. */
inline drain() {
    atomic {
        inbox = word;
        word = HELD;
        count = 0;
        i = inbox;
        do
        :: i == HELD -> break
        :: else -> count++; i = next[i]
        od;
        i = inbox;
        assert(queued + count <= S);
        slot = queued + count;
        queued = slot;
        do
        :: i == HELD -> break
        :: else -> slot--; kept[slot] = i; i = next[i]
        od;
        inbox = 0; count = 0; slot = 0; i = 0
    }
}

inline oldest(into) {
    atomic {
        into = kept[0];
        i = 1;
        do
        :: i >= queued -> break
        :: else -> kept[i - 1] = kept[i]; i++
        od;
        queued--;
        kept[queued] = 0;
        i = 0
    }
}

proctype submitter(byte me) {
    byte round, seen, inbox, count, slot, i, old, other, batch;
    do
    :: round == K -> break
    :: else -> round++;
        state[me] = QUEUED;
        seen = word;
        do
        :: next[me] = (seen == IDLE -> HELD : seen);
            atomic {
                if
                :: word == seen -> word = (seen == IDLE -> HELD : me); break
                :: else -> seen = word
                fi
            }
        od;
        if
        :: seen == IDLE -> goto lead
        :: else
        fi;
        /* Waits to be done, or to lead. */
#ifdef BLIND_WAIT
        if
        :: state[me] == QUEUED -> state[me] = WAITS; token[me]; token[me] = false
        :: else
        fi;
#else
        atomic {
            if
            :: state[me] == QUEUED -> state[me] = WAITS
            :: else -> goto woken
            fi
        };
        token[me];
        token[me] = false;
woken:
#endif
        if
        :: state[me] == DONE -> goto over
        :: state[me] == LEAD
        fi;
lead:   leaders++;
        execute(me);
        batch = 1;
        drain();
        do
        :: batch < B && queued > 0 ->
            oldest(other);
            execute(other);
            fulfil(other, DONE);
            batch++
        :: else -> break
        od;
        do
        :: queued > 0 ->
            oldest(other);
            leaders--;
#ifdef KEEPS_ROLE
            leaders++;
            fulfil(other, LEAD);
            execute(me);
            executed[me]--;
            leaders--;
#else
            fulfil(other, LEAD);
#endif
            break
        :: else ->
#ifdef GATEWAY
            if
            :: word == HELD -> leaders--; word = IDLE; break
            :: else
            fi;
#else
            atomic {
                if
                :: word == HELD -> word = IDLE; leaders--; break
                :: else
                fi
            };
#endif
            drain()
        od;
over:   atomic { seen = 0; old = 0; other = 0; batch = 0 };
        assert(executed[me] == round)
    od;
    ended++
}

init {
    byte number = 1;
    atomic {
        do
        :: number > S -> break
        :: else -> run submitter(number); number++
        od
    }
    ended == S;
    assert(word == IDLE && queued == 0 && leaders == 0)
}
