export * from './gemm.as';
export * from './reduce.as';
