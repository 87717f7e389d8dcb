`timescale 1ns / 1ps
// Takes requests apart: bytes of a UART in, beats of whole images and bytes of weights out, and a mark for every request.
//
// docs/uart.md says what a request looks like. A mark is {kind, code, sequence}; code 0 stands for a request that was as it should
// be. Each image gives BEATS beats: one that is cut, or whose beats nobody took in time, is filled up with zeros and marked. A
// pause of PATIENCE clocks within a request cuts it. Marks wait for room; bytes that come in the meantime are lost and marked.
module frame_receiver #(
    parameter BYTES = 1, parameter BEATS = 784,
    parameter PATIENCE = 1000,
    parameter LOAD_BYTES = 0,  // of all memories that are loaded; 0 where there are none
    parameter CHUNK = 128      // bytes of a request that loads
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               power_on,  // what was loaded is lost; rst leaves it
    // bytes in
    input  wire               in_valid,
    input  wire [7:0]         in_data,
    input  wire               in_misframed,
    // beats out
    output reg                out_valid,
    input  wire               out_ready,
    output reg  [8*BYTES-1:0] out_data,
    // weights out
    output reg                load_valid,
    output reg  [23:0]        load_address,
    output reg  [7:0]         load_byte,
    output reg                loaded,
    // marks out
    output wire               mark_valid,
    input  wire               mark_ready,
    output wire [12:0]        mark
);
    localparam [7:0] SYNC = 8'hA5, INFO = 8'h01, IMAGE = 8'h02, LOAD = 8'h03;
    localparam [2:0] UNKNOWN = 3'd1, WRONG_CHECK = 3'd2, CUT = 3'd3, OVERRUN = 3'd4, MISFRAMED = 3'd5, NOT_LOADED = 3'd6, LOST = 3'd7;
    localparam [1:0] NOTHING = 2'd0, AN_INFO = 2'd1, AN_IMAGE = 2'd2, A_LOAD = 2'd3;
    localparam [2:0] HUNT = 3'd0, COMMAND = 3'd1, SEQUENCE = 3'd2, PAYLOAD = 3'd3, CHECK_HIGH = 3'd4, CHECK_LOW = 3'd5, FILL = 3'd6, MARK = 3'd7;
    localparam LEFT_W = $clog2(BYTES * BEATS + 1) > 8 ? $clog2(BYTES * BEATS + 1) : 8;
    localparam SENT_W = $clog2(BEATS + 1), BYTE_W = BYTES > 1 ? $clog2(BYTES) : 1, IDLE_W = $clog2(PATIENCE + 1);
    localparam HAS_LOAD = LOAD_BYTES != 0;
    localparam ADDRESS_BYTES = 3;

    reg [2:0] state, fault;
    reg [7:0] sequence_number;
    reg [1:0] kind;
    reg       lost, image;
    reg [LEFT_W-1:0] left;   // bytes of the payload that are to come
    reg [SENT_W-1:0] sent;   // beats of this image
    reg [BYTE_W-1:0] in_beat;
    reg [IDLE_W-1:0] idle;
    reg       expired;
    wire in_frame = state != HUNT && state != FILL && state != MARK;
    wire take = in_valid && in_frame && !in_misframed;
    wire patient = idle != IDLE_W'(PATIENCE);
    wire cut = in_frame && !in_valid && expired;

    wire [15:0] crc;
    crc16 check (.clk(clk), .start(state == HUNT), .valid(take), .data(in_data), .crc(crc));

    // Beats.
    wire pixel = take && state == PAYLOAD && image;
    wire whole_beat = pixel && in_beat == BYTE_W'(BYTES - 1);
    wire filling = state == FILL && image && sent != SENT_W'(BEATS);
    wire room = !out_valid || out_ready;
    wire put = (whole_beat || filling) && room;
    reg  [8*BYTES-1:0] gathered;
    wire [8*BYTES-1:0] beat = (8*BYTES)'({in_data, gathered} >> 8);

    // Weights.
    wire weight = take && state == PAYLOAD && kind == A_LOAD && left <= LEFT_W'(CHUNK);
    wire address_byte = take && state == PAYLOAD && kind == A_LOAD && left > LEFT_W'(CHUNK);
    reg [23:0] address;

    wire [2:0] code = fault != 0 ? fault : crc != 16'd0 ? WRONG_CHECK : image && HAS_LOAD && !loaded ? NOT_LOADED : 3'd0;
    reg  [2:0] final_code;
    assign mark_valid = state == MARK;
    assign mark = {kind, final_code, sequence_number};

    always @(posedge clk) begin
        idle <= in_valid || !in_frame ? 0 : idle + IDLE_W'(patient);
        expired <= in_frame && !in_valid && !patient && !cut;
        if (pixel) begin
            gathered <= beat;
            in_beat <= whole_beat ? 0 : in_beat + 1'b1;
        end
        if (put) out_data <= filling ? {8*BYTES{1'b0}} : beat;
        load_valid <= weight && !rst;
        load_address <= address;
        load_byte <= in_data;
        if (address_byte) address <= {in_data, address[23:8]};
        else if (weight) address <= address + 1'b1;
        if (power_on) loaded <= 1'b0;
        else if (!rst && state == FILL && kind == A_LOAD && code == 3'd0 && address == 24'(LOAD_BYTES)) loaded <= 1'b1;

        if (rst) begin
            state <= HUNT;
            out_valid <= 1'b0;
            lost <= 1'b0;
        end else begin
            if (put) sent <= sent + 1'b1;
            if (put) out_valid <= 1'b1;
            else if (out_ready) out_valid <= 1'b0;
            if (whole_beat && !room && fault == 0) fault <= OVERRUN;
            if (in_valid && (state == FILL || state == MARK)) lost <= 1'b1;
            case (state)
                HUNT: begin
                    fault <= 3'd0;
                    kind <= NOTHING;
                    image <= 1'b0;
                    sent <= 0;
                    in_beat <= 0;
                    if (lost) begin
                        lost <= 1'b0;
                        sequence_number <= 8'd0;
                        final_code <= LOST;
                        state <= MARK;
                    end else if (in_valid && !in_misframed && in_data == SYNC) state <= COMMAND;
                end
                COMMAND: if (take) begin
                    case (in_data)
                        INFO: kind <= AN_INFO;
                        IMAGE: kind <= AN_IMAGE;
                        LOAD: kind <= HAS_LOAD ? A_LOAD : NOTHING;
                        default: kind <= NOTHING;
                    endcase
                    state <= SEQUENCE;
                end
                SEQUENCE: if (take) begin
                    sequence_number <= in_data;
                    image <= kind == AN_IMAGE;
                    left <= kind == AN_IMAGE ? LEFT_W'(BYTES * BEATS) : LEFT_W'(ADDRESS_BYTES + CHUNK);
                    if (kind == NOTHING) begin
                        fault <= UNKNOWN;
                        state <= FILL;
                    end else state <= kind == AN_INFO ? CHECK_HIGH : PAYLOAD;
                end
                PAYLOAD: if (take) begin
                    left <= left - 1'b1;
                    if (left == LEFT_W'(1)) state <= CHECK_HIGH;
                end
                CHECK_HIGH: if (take) state <= CHECK_LOW;
                CHECK_LOW: if (take) state <= FILL;
                FILL: begin
                    final_code <= code;
                    if (!filling) state <= MARK;
                end
                default: if (mark_ready) state <= HUNT;
            endcase
            if (in_frame && (cut || (in_valid && in_misframed))) begin
                if (fault == 0) fault <= cut ? CUT : MISFRAMED;
                if (state == COMMAND || state == SEQUENCE) begin
                    kind <= NOTHING;
                    sequence_number <= 8'd0;
                end
                state <= FILL;
            end
        end
    end
endmodule
