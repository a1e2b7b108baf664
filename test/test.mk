## make test         the tests, on every rung that this machine has
TEST_SRC := $(wildcard test/test_*.c)
TEST_LIB := $(filter-out $(TEST_SRC),$(wildcard test/*.c))
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)

$(BUILD)/test/%.o: test/%.c Makefile test/test.mk
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(WARN) $(SAN) -Itest -c $< -o $@

$(TEST_BIN): $(BUILD)/test/%: $(BUILD)/test/%.o $(TEST_LIB:%.c=$(BUILD)/%.o) $(LIB)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lcmocka -lm -pthread

test: $(TEST_BIN)
	@set -e; for t in $(TEST_BIN); do echo "== $$t"; $$t; done

.PHONY: test
-include $(wildcard $(BUILD)/test/*.d)
