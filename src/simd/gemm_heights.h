/*
 * gemm_heights - a matrix kernel as a table of one function for each height of its tile.
 *
 * What is included before it has gemm_tile(t, mr, nv, form), always inlined: mr rows, nv registers
 * wide, in one of two forms.
 */
#ifndef HEW_SIMD_GEMM_HEIGHTS_H
#define HEW_SIMD_GEMM_HEIGHTS_H

#define GEMM_HEIGHT(name, mr, nv, form)                                                            \
    static __attribute__((noinline)) void name##_##mr(const hew_gemm_tile *t)                      \
    {                                                                                              \
        gemm_tile(t, mr, nv, form);                                                                \
    }
#define GEMM_HEIGHTS_6(name, nv, form)                                                             \
    GEMM_HEIGHT(name, 1, nv, form)                                                                 \
    GEMM_HEIGHT(name, 2, nv, form)                                                                 \
    GEMM_HEIGHT(name, 3, nv, form)                                                                 \
    GEMM_HEIGHT(name, 4, nv, form)                                                                 \
    GEMM_HEIGHT(name, 5, nv, form)                                                                 \
    GEMM_HEIGHT(name, 6, nv, form)
#define GEMM_6(name, nv, form)                                                                     \
    GEMM_HEIGHTS_6(name, nv, form)                                                                 \
    void name(const hew_gemm_tile *t)                                                              \
    {                                                                                              \
        static hew_gemm_fn *const height[] = {name##_1, name##_2, name##_3,                        \
                                              name##_4, name##_5, name##_6};                       \
        height[t->m - 1](t);                                                                       \
    }
#define GEMM_7(name, nv, form)                                                                     \
    GEMM_HEIGHTS_6(name, nv, form)                                                                 \
    GEMM_HEIGHT(name, 7, nv, form)                                                                 \
    void name(const hew_gemm_tile *t)                                                              \
    {                                                                                              \
        static hew_gemm_fn *const height[] = {name##_1, name##_2, name##_3, name##_4,              \
                                              name##_5, name##_6, name##_7};                       \
        height[t->m - 1](t);                                                                       \
    }
#define GEMM_8(name, nv, form)                                                                     \
    GEMM_HEIGHTS_6(name, nv, form)                                                                 \
    GEMM_HEIGHT(name, 7, nv, form)                                                                 \
    GEMM_HEIGHT(name, 8, nv, form)                                                                 \
    void name(const hew_gemm_tile *t)                                                              \
    {                                                                                              \
        static hew_gemm_fn *const height[] = {name##_1, name##_2, name##_3, name##_4,              \
                                              name##_5, name##_6, name##_7, name##_8};             \
        height[t->m - 1](t);                                                                       \
    }

#endif
