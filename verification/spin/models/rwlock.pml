/* A reader/writer lock with one state word: active and blocked readers, waiting writers, writer.
 * Every change of who waits and who must be woken is one transition; the wake follows as a step of
 * its own. The first writer's time may run out at any moment while it sleeps, the other waits
 * without a deadline. Giving up acquires where the lock is free, and else grants the readers that
 * it kept out.
 *
 * Controls: FORGETS (giving up doesn't grant); SWALLOWS (giving up doesn't acquire).
 */
#ifndef R
#define R 2
#endif
#ifndef W
#define W 2
#endif
#ifndef K
#define K 2
#endif

byte reading, waiting;
bool writer;
bool blocked[R], granted[R], reader_token[R];
bool asleep[W], writer_token[W];

inline grant_blocked_readers() {
    i = 0;
    do
    :: i == R -> break
    :: else ->
        if
        :: blocked[i] -> blocked[i] = false; granted[i] = true; reading++; grants = true
        :: else
        fi;
        i++
    od
}

inline wake_granted_readers() {
    i = 0;
    do
    :: i == R -> break
    :: else -> reader_token[i] = true; i++
    od;
    i = 0
}

/* Wakes one of the writers that sleep, any of them; each that comes later looks first. */
inline wake_writer() {
    atomic {
        if
        :: asleep[0] -> asleep[0] = false; writer_token[0] = true
#if W > 1
        :: asleep[1] -> asleep[1] = false; writer_token[1] = true
#endif
        :: else
        fi
    }
}

proctype reader(byte me) {
    byte round;
    bool wakes;
    do
    :: round == K -> break
    :: else -> round++;
        atomic {
            if
            :: !writer && waiting == 0 -> reading++; goto reads
            :: else -> blocked[me] = true
            fi
        };
        do
        :: atomic { granted[me] -> granted[me] = false; break }
        :: atomic { !granted[me] && reader_token[me] -> reader_token[me] = false }
        od;
reads:  assert(!writer && reading > 0);
        atomic { reading--; wakes = (reading == 0 && waiting > 0 && !writer) };
        if
        :: wakes -> wake_writer()
        :: else
        fi;
        wakes = false
    od
}

proctype a_writer(byte me) {
    byte round, i;
    bool grants, wakes;
    do
    :: round == K -> break
    :: else -> round++;
        atomic {
            if
            :: !writer && reading == 0 -> writer = true; goto writes
            :: else -> waiting++
            fi
        };
        do
        :: /* Falls asleep only where the lock is not free: the wait compares. */
            atomic {
                if
                :: !writer && reading == 0 -> writer = true; waiting--; goto writes
                :: else -> asleep[me] = true
                fi
            };
            if
            :: atomic { writer_token[me] -> writer_token[me] = false }
            :: atomic { me == 0 -> asleep[me] = false; writer_token[me] = false };
                atomic {
                    waiting--;
                    if
#ifndef SWALLOWS
                    :: !writer && reading == 0 -> writer = true; goto writes
#endif
                    :: else
                    fi;
#ifndef FORGETS
                    if
                    :: !writer && waiting == 0 -> grant_blocked_readers()
                    :: else
                    fi
#endif
                };
                goto gone
            fi
        od;
writes: assert(writer && reading == 0);
        atomic { writer = false; grant_blocked_readers(); wakes = (waiting > 0 && reading == 0) };
        if
        :: wakes -> wake_writer()
        :: else
        fi;
gone:   if
        :: grants -> wake_granted_readers()
        :: else
        fi;
        d_step { grants = false; wakes = false; i = 0 }
    od
}

init {
    byte number;
    atomic {
        do
        :: number == R -> break
        :: else -> run reader(number); number++
        od;
        number = 0;
        do
        :: number == W -> break
        :: else -> run a_writer(number); number++
        od
    }
}
