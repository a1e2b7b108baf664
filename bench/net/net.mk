## make demo         a network classifies pictures on every rung; MODELS=DIR has more networks
## make hew-run      build/hew-run: runs .onnx and .hewnet models on pictures (--help)
NET_PARTS := graph fuse types quantize ranges calibrate plan exec time load hewnet protobuf \
             onnx_proto onnx onnx_ops onnx_layers pictures sheet
NET_OBJ   := $(NET_PARTS:%=$(BUILD)/bench/net/%.o)
NET_PEAK  := $(PEAK_SRC:%=$(BUILD)/bench/%.o)
MODELS    ?= ../shared/models

$(BUILD)/hew-demo $(BUILD)/hew-run: $(BUILD)/hew-%: $(BUILD)/bench/net/%.o $(NET_OBJ) $(NET_PEAK) $(LIB)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lm -pthread

hew-demo: $(BUILD)/hew-demo
hew-run: $(BUILD)/hew-run

# The checksums first: the same bits on every rung, or nothing that follows means anything.
demo: $(BUILD)/hew-demo $(BUILD)/hew-run
	@sh bench/net/demo.sh $(BUILD) $(MODELS)

# The test's rule puts the library before these objects, which need it: so here it is again.
$(addprefix $(BUILD)/test/,test_net test_net_types test_onnx test_onnx_reader): $(NET_OBJ) $(NET_PEAK) \
    $(BUILD)/test/libhew.a
$(BUILD)/test/libhew.a: $(LIB)
	@mkdir -p $(@D)
	ln -sf ../libhew.a $@

.PHONY: demo hew-demo hew-run
-include $(wildcard $(BUILD)/bench/net/*.d)
