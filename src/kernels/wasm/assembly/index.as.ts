export * from './reduce.as';
