/*
 * peak_dots.h - a loop of independent sums of products of small integers, from registers.  The file
 * that includes it defines
 *
 *     VECTOR          a register of integers        REGISTER   its constraint, "x" or "v"
 *     SET1(x)         x in each 32 bits of one      CHAINS     how many sums
 *     DOT(s, a, b)    s + the products of a and b
 */
static void dots(size_t iterations)
{
    VECTOR x[CHAINS];
    VECTOR a = SET1(0x00010001), b = SET1(0x00020003);
    __asm__("" : "+" REGISTER(b));
    HEW_UNROLL for (int i = 0; i < CHAINS; i++) {
        x[i] = b;
        __asm__("" : "+" REGISTER(x[i]));
    }
    for (; iterations > 0; iterations--)
        HEW_UNROLL for (int i = 0; i < CHAINS; i++) {
            /* Opaque, or there is one product for all; and gcc puts sums on the stack. */
            __asm__("" : "+" REGISTER(a));
            x[i] = DOT(x[i], a, b);
            __asm__("" : "+" REGISTER(x[i]));
        }
    HEW_UNROLL for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : REGISTER(x[i]));
}
