`timescale 1ns / 1ps
// Answers requests in their order: a mark and, for an image, its logits in, bytes for a UART out.
//
// docs/uart.md says what an answer looks like. The logits of an image whose mark has a code are dropped, and the code is sent.
module frame_sender #(
    parameter BITS = 32,       // of a logit, a multiple of 8
    parameter INFO_BYTES = 30  // of what `info` says, the first byte lowest
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [8*INFO_BYTES-1:0] info,
    // marks in: {kind, code, sequence}
    input  wire                    mark_valid,
    output wire                    mark_ready,
    input  wire [12:0]             mark,
    // logits in
    input  wire                    in_valid,
    output wire                    in_ready,
    input  wire [BITS-1:0]         in_word,
    input  wire                    in_last,
    // bytes out
    output wire                    out_valid,
    input  wire                    out_ready,
    output reg  [7:0]              out_byte
);
    localparam [7:0] SYNC = 8'h5A, ERROR = 8'hEE;
    localparam [1:0] AN_INFO = 2'd1, AN_IMAGE = 2'd2, A_LOAD = 2'd3;
    localparam [3:0] IDLE = 4'd0, DROP = 4'd1, HEAD = 4'd2, KIND = 4'd3, SEQUENCE = 4'd4, PAYLOAD = 4'd5, CHECK_HIGH = 4'd6, CHECK_LOW = 4'd7, START = 4'd8;
    localparam LOGIT_BYTES = BITS / 8;
    localparam PLACES = INFO_BYTES > LOGIT_BYTES ? INFO_BYTES : LOGIT_BYTES;
    localparam PW = $clog2(PLACES);

    reg [3:0]    state;
    reg [PW-1:0] place;
    reg [12:0]   answered;  // the mark
    reg          checks;    // a byte that the check sum takes, a clock after it left
    reg [7:0]    checked;
    wire [1:0] kind = answered[12:11];
    wire [2:0] code = answered[10:8];
    wire failing = mark[10:8] != 3'd0;
    reg  failed, is_logits, is_info, empty;  // of the mark
    reg  [PW-1:0] final_place;
    wire last_place = place == final_place;
    wire waits = state == PAYLOAD && is_logits && !in_valid;
    assign out_valid = state != IDLE && state != START && state != DROP && !waits && !(state == CHECK_HIGH && checks);
    wire go = out_valid && out_ready;
    assign in_ready = state == DROP || (state == PAYLOAD && is_logits && go && last_place);
    assign mark_ready = state == CHECK_LOW && go;

    wire [15:0] crc;
    crc16 check (.clk(clk), .start(state == HEAD), .valid(checks), .data(checked), .crc(crc));

    wire [7:0] logit_byte = in_word[8*place[$clog2(LOGIT_BYTES)-1:0] +: 8];
    wire [7:0] info_byte = info[8*place +: 8];
    always @* begin
        case (state)
            HEAD: out_byte = SYNC;
            KIND: out_byte = failed ? ERROR : {6'b100000, kind};
            SEQUENCE: out_byte = answered[7:0];
            PAYLOAD: out_byte = failed ? {5'd0, code} : is_info ? info_byte : logit_byte;
            CHECK_HIGH: out_byte = crc[15:8];
            default: out_byte = crc[7:0];
        endcase
    end

    always @(posedge clk) begin
        if (state == IDLE) begin
            answered <= mark;
            failed <= failing;
            is_logits <= mark[12:11] == AN_IMAGE && !failing;
            is_info <= mark[12:11] == AN_INFO && !failing;
            empty <= mark[12:11] == A_LOAD && !failing;
        end
        if (state == START) final_place <= is_info ? PW'(INFO_BYTES - 1) : is_logits ? PW'(LOGIT_BYTES - 1) : {PW{1'b0}};
        checks <= go && (state == KIND || state == SEQUENCE || state == PAYLOAD);
        checked <= out_byte;
        if (rst) state <= IDLE;
        else begin
            case (state)
                IDLE: if (mark_valid) state <= START;
                START: state <= failed && kind == AN_IMAGE ? DROP : HEAD;
                DROP: if (in_valid && in_last) state <= HEAD;
                HEAD: if (go) state <= KIND;
                KIND: if (go) state <= SEQUENCE;
                SEQUENCE: begin
                    place <= 0;
                    if (go) state <= empty ? CHECK_HIGH : PAYLOAD;
                end
                PAYLOAD: if (go) begin
                    place <= last_place ? 0 : place + 1'b1;
                    if (last_place && (!is_logits || in_last)) state <= CHECK_HIGH;
                end
                CHECK_HIGH: if (go) state <= CHECK_LOW;
                default: if (go) state <= IDLE;
            endcase
        end
    end
endmodule
