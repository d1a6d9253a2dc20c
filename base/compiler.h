// The compiler extensions we use, all in one place.
#ifndef BT_BASE_COMPILER_H
#define BT_BASE_COMPILER_H

#include <stddef.h>

#define BT_NODISCARD __attribute__((warn_unused_result))
#define BT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define BT_NORETURN __attribute__((noreturn))
#define BT_UNUSED __attribute__((unused))
#define BT_VECTOR(bytes) __attribute__((vector_size(bytes)))  // of a typedef'd number

// Built with the address or thread sanitizer, which reserve terabytes of addresses.
#ifdef __has_feature
#define BT_HAS_FEATURE(name) __has_feature(name)
#else
#define BT_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    BT_HAS_FEATURE(address_sanitizer) || BT_HAS_FEATURE(thread_sanitizer)
#define BT_SANITIZED 1
#else
#define BT_SANITIZED 0
#endif

#define BT_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/**
 * The smaller, the larger, the nearest between two bounds: each argument is evaluated once, so a
 * call may stand in it. Both arguments are of one signedness (the compiler warns otherwise); where
 * a constant expression is needed (an array's length, a static's value) there is the _CONST form.
 */
#define BT_MIN(a, b) BT_PICK_(<, a, b, BT_UNIQUE_(bt_a_), BT_UNIQUE_(bt_b_))
#define BT_MAX(a, b) BT_PICK_(>, a, b, BT_UNIQUE_(bt_a_), BT_UNIQUE_(bt_b_))
#define BT_CLAMP(x, low, high) BT_MIN(BT_MAX(x, low), high)
#define BT_MIN_CONST(a, b) ((a) < (b) ? (a) : (b))
#define BT_MAX_CONST(a, b) ((a) > (b) ? (a) : (b))

// Names of their own, so that one call inside another shadows nothing.
#define BT_JOIN_AGAIN_(a, b) a##b
#define BT_JOIN_(a, b) BT_JOIN_AGAIN_(a, b)
#define BT_UNIQUE_(name) BT_JOIN_(name, __COUNTER__)
#define BT_PICK_(before, a, b, a_, b_)                                                             \
    __extension__({                                                                                \
        __auto_type a_ = (a);                                                                      \
        __auto_type b_ = (b);                                                                      \
        a_ before b_ ? a_ : b_;                                                                    \
    })

/**
 * A local pointer that destroys its object when it leaves scope.
 * BT_DEFINE_AUTO(bt_thing) once in thing's header makes BT_AUTO(bt_thing) usable;
 * it needs `void bt_thing_destroy(struct bt_thing *)`. It may be there for that alone, so clang is
 * told that not using it is fine.
 */
#define BT_DEFINE_AUTO(type)                                                                       \
    static inline void type##_auto_destroy(struct type **object)                                   \
    {                                                                                              \
        type##_destroy(*object);                                                                   \
    }
#define BT_AUTO(type) __attribute__((cleanup(type##_auto_destroy), unused)) struct type *

// A local value whose own finish function runs when it leaves scope.
#define BT_AUTOFINISH(finish) __attribute__((cleanup(finish)))

void bt_free_auto(void *pointer_to_pointer);
#define BT_AUTOFREE __attribute__((cleanup(bt_free_auto)))

void bt_close_auto(const int *fd);
#define BT_AUTOCLOSE __attribute__((cleanup(bt_close_auto)))

// Hands a local pointer over: yields it and leaves NULL behind, so that cleanup does nothing.
#define BT_TAKE(pointer)                                                                           \
    __extension__({                                                                                \
        __typeof__(pointer) bt_taken_ = (pointer);                                                 \
        (pointer) = NULL;                                                                          \
        bt_taken_;                                                                                 \
    })

#endif
